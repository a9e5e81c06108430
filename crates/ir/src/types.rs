//! Element types, tensor types, scalars and the data of constants.

use std::fmt;

/// The type of a tensor's elements. The set is closed: every instruction, kernel and emitter handles each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    F32,
    I32,
    I8,
    Bool,
}

impl DType {
    pub const ALL: [DType; 4] = [DType::F32, DType::I32, DType::I8, DType::Bool];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::I32 => "i32",
            DType::I8 => "i8",
            DType::Bool => "bool",
        }
    }

    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Bytes of one element in memory.
    pub fn size(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::I8 | DType::Bool => 1,
        }
    }
}

/// An element type with a static shape; the last dimension is contiguous in memory (row-major).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    pub dtype: DType,
    pub shape: Vec<usize>,
}

impl TensorType {
    pub fn new(dtype: DType, shape: &[usize]) -> TensorType {
        TensorType { dtype, shape: shape.to_vec() }
    }

    /// The number of elements; the product of an empty shape is 1.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.size()
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype.name())?;
        for (k, extent) in self.shape.iter().enumerate() {
            if k > 0 {
                write!(f, ",")?;
            }
            write!(f, "{extent}")?;
        }
        write!(f, "]")
    }
}

/// The elements between consecutive indices of each dimension of a row-major tensor.
pub fn row_major_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for k in (0..shape.len().saturating_sub(1)).rev() {
        strides[k] = strides[k + 1] * shape[k + 1];
    }
    strides
}

/// One value of one element type. Floats are compared by their bits, so that graphs have an equality.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    F32(f32),
    I32(i32),
    I8(i8),
    Bool(bool),
}

impl Scalar {
    pub fn dtype(self) -> DType {
        match self {
            Scalar::F32(_) => DType::F32,
            Scalar::I32(_) => DType::I32,
            Scalar::I8(_) => DType::I8,
            Scalar::Bool(_) => DType::Bool,
        }
    }

    pub fn zero(dtype: DType) -> Scalar {
        match dtype {
            DType::F32 => Scalar::F32(0.0),
            DType::I32 => Scalar::I32(0),
            DType::I8 => Scalar::I8(0),
            DType::Bool => Scalar::Bool(false),
        }
    }

    /// The value that a maximum starts from: no element is smaller.
    pub fn lowest(dtype: DType) -> Scalar {
        match dtype {
            DType::F32 => Scalar::F32(f32::NEG_INFINITY),
            DType::I32 => Scalar::I32(i32::MIN),
            DType::I8 => Scalar::I8(i8::MIN),
            DType::Bool => Scalar::Bool(false),
        }
    }

    /// A key that is equal exactly for equal types and bits.
    fn key(self) -> (DType, u32) {
        let bits = match self {
            Scalar::F32(x) => x.to_bits(),
            Scalar::I32(x) => x as u32,
            Scalar::I8(x) => x as u8 as u32,
            Scalar::Bool(x) => x as u32,
        };
        (self.dtype(), bits)
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scalar {}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Prints so that parsing gives the same bits; a NaN prints as its bits.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Scalar::F32(x) if x.is_nan() => write!(f, "nan:{:08x}", x.to_bits()),
            Scalar::F32(x) => write!(f, "{x:?}"),
            Scalar::I32(x) => write!(f, "{x}"),
            Scalar::I8(x) => write!(f, "{x}"),
            Scalar::Bool(x) => write!(f, "{x}"),
        }
    }
}

/// The elements of a `constant`: one value for all, or one value each in row-major order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    Splat(Scalar),
    Dense(Vec<Scalar>),
}

impl Literal {
    /// The element at a row-major position.
    pub fn at(&self, position: usize) -> Scalar {
        match self {
            Literal::Splat(value) => *value,
            Literal::Dense(values) => values[position],
        }
    }
}
