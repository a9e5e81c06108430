"""Writes the programs of this folder that are too long to be written by hand: `python generate.py`."""

import pathlib

from text_form import Program

FOLDER = pathlib.Path(__file__).parent


def lstm_step():
    p = Program("One step of a long short-term memory; gates in PyTorch's order: input, forget, cell, output.")
    x = p.input("x", "f32", 2, 2)
    w_ih, w_hh, b_ih, b_hh = p.param("w_ih", 12, 2), p.param("w_hh", 12, 3), p.param("b_ih", 12), p.param("b_hh", 12)
    h, c = p.state("h", "0.0", "f32", 2, 3), p.state("c", "0.0", "f32", 2, 3)
    from_x = p.map("add", p.contract("nd,gd->ng", x, w_ih), b_ih, words="ng,g->ng")
    from_h = p.map("add", p.contract("nd,gd->ng", h, w_hh), b_hh, words="ng,g->ng")
    gates = p.map("add", from_x, from_h)
    pick = lambda k: p.move(f"n{{h+{3 * k}}}->nh", gates, n=2, h=3)
    i = p.map("sigmoid", pick(0))
    f = p.map("sigmoid", pick(1))
    g = p.map("tanh", pick(2))
    o = p.map("sigmoid", pick(3))
    p.note("c ← f·c + i·g;  h ← o·tanh c")
    next_c = p.map("add", p.map("mul", f, c), p.map("mul", i, g))
    next_h = p.map("mul", o, p.map("tanh", next_c))
    p.output("y", next_h)
    p.update(h, next_h)
    p.update(c, next_c)
    return p


def gru_step():
    p = Program("One step of a gated recurrent unit; gates in PyTorch's order: reset, update, new.")
    x = p.input("x", "f32", 2, 2)
    w_ih, w_hh, b_ih, b_hh = p.param("w_ih", 9, 2), p.param("w_hh", 9, 3), p.param("b_ih", 9), p.param("b_hh", 9)
    h = p.state("h", "0.0", "f32", 2, 3)
    from_x = p.map("add", p.contract("nd,gd->ng", x, w_ih), b_ih, words="ng,g->ng")
    from_h = p.map("add", p.contract("nd,gd->ng", h, w_hh), b_hh, words="ng,g->ng")
    pick = lambda v, k: p.move(f"n{{h+{3 * k}}}->nh", v, n=2, h=3)
    r = p.map("sigmoid", p.map("add", pick(from_x, 0), pick(from_h, 0)))
    z = p.map("sigmoid", p.map("add", pick(from_x, 1), pick(from_h, 1)))
    new = p.map("tanh", p.map("add", pick(from_x, 2), p.map("mul", r, pick(from_h, 2))))
    p.note("h ← new + z·(h − new)")
    next_h = p.map("add", new, p.map("mul", z, p.map("sub", h, new)))
    p.output("y", next_h)
    p.update(h, next_h)
    return p


def wavenet_block():
    p = Program(
        "A block of WaveNet (van den Oord et al. 2016, section 2.3): a causal convolution with dilation 2, the gate",
        "tanh·sigmoid, and 1×1 convolutions to the residual and to the skip.",
    )
    x = p.input("x", "f32", 10, 3)
    w_filter, b_filter = p.param("filter.w", 2, 3, 4), p.param("filter.b", 4)
    w_gate, b_gate = p.param("gate.w", 2, 3, 4), p.param("gate.b", 4)
    w_residual, w_skip = p.param("residual.w", 4, 3), p.param("skip.w", 4, 5)
    conv = lambda w, b: p.map("add", p.contract("{t+2k-2}c,kco->to", x, w, t=10), b, words="to,o->to")
    filtered = p.map("tanh", conv(w_filter, b_filter))
    gate = p.map("sigmoid", conv(w_gate, b_gate))
    z = p.map("mul", filtered, gate)
    p.output("residual", p.map("add", p.contract("to,oc->tc", z, w_residual), x))
    p.output("skip", p.contract("to,os->ts", z, w_skip))
    return p


def rotated(p, v, cosine, sine):
    """Turns each pair (e of the first half, e of the second half) of `v`, [t,h,2e], by its angle, [t,e]."""
    steps, heads, width = v.shape
    halves = p.move("th(se)->thse", v, s=2, e=width // 2)
    swapped = p.move("th{-s+1}e->thse", halves, s=2)
    signs = p.constant("[-1.0, 1.0]", shape=[2])
    turned = p.map("mul", swapped, signs, words="thse,s->thse")
    along = p.map("mul", halves, cosine, words="thse,te->thse")
    across = p.map("mul", turned, sine, words="thse,te->thse")
    return p.move("thse->th(se)", p.map("add", along, across))


def attention():
    p = Program(
        "Causal attention of two heads with rotary positions (Su et al. 2021, RoFormer, section 3.2); the two numbers of",
        "a pair are half a head apart.",
    )
    x = p.input("x", "f32", 6, 5)
    weights = [p.param(name, 5, 2, 4) for name in ("wq", "wk", "wv")]
    wo = p.param("wo", 2, 4, 5)
    p.note("angle[t,e] = t · 10000^(−e/2)")
    position = p.cast(p.iota(6), "f32")
    e = p.cast(p.iota(2), "f32")
    exponent = p.map("div", e, p.constant("-2.0"))
    frequency = p.map("exp", p.map("mul", p.map("log", p.constant("10000.0")), exponent))
    angle = p.map("mul", position, frequency, words="t,e->te")
    cosine, sine = p.map("cos", angle), p.map("sin", angle)
    q, k, v = (p.contract("ti,ihd->thd", x, w) for w in weights)
    q, k = rotated(p, q, cosine, sine), rotated(p, k, cosine, sine)
    p.note("scores[h,t,u] = q·k / √d, hidden where u is later than t")
    scores = p.contract("thd,uhd->htu", q, k)
    scores = p.map("div", scores, p.map("sqrt", p.constant("4.0")))
    later = p.map("less", p.iota(6), p.iota(6), words="t,u->tu")
    hidden = p.map("select", later, p.constant("-1e30"), scores, words="tu,,htu->htu")
    greatest = p.map("straight", p.constant("0.0"), p.reduce("max", "htu->ht", hidden))
    exponentials = p.map("exp", p.map("sub", hidden, greatest, words="htu,ht->htu"))
    total = p.reduce("sum", "htu->ht", exponentials)
    share = p.map("div", exponentials, total, words="htu,ht->htu")
    mixed = p.contract("htu,uhd->thd", share, v)
    p.output("y", p.contract("thd,hdo->to", mixed, wo))
    return p


def ctc():
    steps, classes, labels = 8, 4, 3
    p = Program(
        "Connectionist temporal classification (Graves et al. 2006, section 4.1): the forward variables in log space.",
        "Class 0 is the blank; −1e30 stands for log 0, since −∞ minus itself would be NaN.",
    )
    logits = p.input("logits", "f32", steps, classes)
    label = p.input("label", "i32", labels)
    zero, never = p.constant("0.0"), p.constant("-1e30")
    p.note("log softmax")
    greatest = p.map("straight", zero, p.reduce("max", "tc->t", logits))
    shifted = p.map("sub", logits, greatest, words="tc,t->tc")
    total = p.map("log", p.reduce("sum", "tc->t", p.map("exp", shifted)))
    log_p = p.map("sub", shifted, total, words="tc,t->tc")
    p.note("The labels with blanks between and around, and the log probability of each at each step.")
    extended = p.reduce("sum", "s->{2s+1}", label, shape=[2 * labels + 1])
    emission = p.gather("t*,l->tl", log_p, extended)
    p.note("The window k = 0, 1, 2 reaches states l−2, l−1, l. Two states are skipped only onto a label that differs.")
    earlier = p.move("{l-2}->l", extended, l=2 * labels + 1)
    repeated = p.map("equal", extended, earlier)
    blank = p.map("equal", extended, p.constant("0", "i32"))
    barred = p.map("max", repeated, blank)
    farthest = p.map("equal", p.iota(3), p.constant("0", "i32"))
    barred = p.map("min", barred, farthest, words="l,k->lk")
    at = lambda t: p.move(f"{{{t}}}l->l", emission)
    p.note("A path starts in the first blank or the first label.")
    late = p.map("less", p.constant("1", "i32"), p.iota(2 * labels + 1))
    alpha = p.map("select", late, never, at(0))
    for t in range(1, steps):
        p.note(f"step {t}")
        window = p.move("{l+k-2}->lk", alpha, fill="-1e30", l=2 * labels + 1, k=3)
        window = p.map("select", barred, never, window)
        alpha = p.map("add", log_sum(p, "lk->l", window), at(t))
    p.note("It ends in the last label or the last blank.")
    ends = p.move(f"{{l+{2 * labels - 1}}}->l", alpha, l=2)
    p.output("loss", p.map("neg", log_sum(p, "l->", ends)))
    return p


def log_sum(p, words, v):
    """log Σ exp over the last axis, safe by the maximum."""
    greatest = p.map("straight", p.constant("0.0"), p.reduce("max", words, v))
    inputs, output = words.split("->")
    shifted = p.map("sub", v, greatest, words=f"{inputs},{output}->{inputs}")
    return p.map("add", greatest, p.map("log", p.reduce("sum", words, p.map("exp", shifted))))


def adamw():
    p = Program(
        "A step of AdamW (Loshchilov and Hutter 2019, algorithm 2) after scaling all gradients to a norm of at most 1.",
    )
    shapes = {"w": [3, 2], "b": [2]}
    params = {name: p.param(name, *shape) for name, shape in shapes.items()}
    gradients = {name: p.input(f"{name}.gradient", "f32", *shape) for name, shape in shapes.items()}
    first = {name: p.state(f"{name}.first", "0.0", "f32", *shape) for name, shape in shapes.items()}
    second = {name: p.state(f"{name}.second", "0.0", "f32", *shape) for name, shape in shapes.items()}
    power1, power2 = p.state("beta1.power", "1.0", "f32"), p.state("beta2.power", "1.0", "f32")
    rate, decay, epsilon = p.constant("0.01"), p.constant("0.1"), p.constant("1e-8")
    beta1, beta2, one = p.constant("0.9"), p.constant("0.999"), p.constant("1.0")
    p.note("min(1, 1 / (norm + 1e-6))")
    squares = [p.contract("ab,ab->" if name == "w" else "a,a->", g, g) for name, g in gradients.items()]
    norm = p.map("sqrt", p.map("add", *squares))
    scale = p.map("min", p.map("div", one, p.map("add", norm, p.constant("1e-6"))), one)
    p.note("1 − βᵗ")
    next1, next2 = p.map("mul", power1, beta1), p.map("mul", power2, beta2)
    p.update(power1, next1)
    p.update(power2, next2)
    bias1, bias2 = p.map("sub", one, next1), p.map("sqrt", p.map("sub", one, next2))
    step, kept = p.map("div", rate, bias1), p.map("sub", one, p.map("mul", rate, decay))
    rest1, rest2 = p.map("sub", one, beta1), p.map("sub", one, beta2)
    for name in shapes:
        p.note(name)
        g = p.map("mul", gradients[name], scale)
        m = p.map("add", p.map("mul", first[name], beta1), p.map("mul", g, rest1))
        v = p.map("add", p.map("mul", second[name], beta2), p.map("mul", p.map("mul", g, g), rest2))
        below = p.map("add", p.map("div", p.map("sqrt", v), bias2), epsilon)
        moved = p.map("mul", p.map("div", m, below), step)
        p.update(params[name], p.map("sub", p.map("mul", params[name], kept), moved))
        p.update(first[name], m)
        p.update(second[name], v)
    p.output("norm", norm)
    return p


def conv_int8():
    p = Program(
        "An int8 convolution as TensorFlow Lite's reference kernel computes it: stride 2, padding 1, a multiplier and",
        "a shift for each channel, zero points −7 (input) and 5 (output), and a rectifier folded into the clamp.",
    )
    x = p.input("x", "i8", 1, 6, 6, 3)
    w, bias = p.input("w", "i8", 3, 3, 3, 4), p.input("b", "i32", 4)
    multiplier, shift = p.input("multiplier", "i32", 4), p.input("shift", "i32", 4)
    p.note("The border holds the input's zero point, so that it counts as 0; Σw·(x + 7) = Σw·x + 7·Σw.")
    padded = p.move("n{h-1}{w-1}c->nhwc", x, fill="-7", h=8, w=8)
    products = p.contract("n{2h+i}{2w+j}c,ijco->nhwo", padded, w, h=3, w=3)
    weights = p.reduce("sum", "ijco->o", p.cast(w, "i32"))
    offset = p.map("add", p.map("mul", weights, p.constant("7", "i32")), bias)
    accumulator = p.map("add", products, offset, words="nhwo,o->nhwo")
    scaled = p.map("mulshift", accumulator, multiplier, shift, words="nhwo,o,o->nhwo")
    zero_point = p.constant("5", "i32")
    y = p.map("max", p.map("add", scaled, zero_point), zero_point)
    p.output("accumulator", accumulator)
    p.output("y", p.cast(y, "i8"))
    return p


def attention_queue():
    p = Program(
        "One step of attention over the last four keys and values, which are queues: a move shifts the old ones and",
        "appends the new one.",
    )
    q, k, v = (p.input(name, "f32", 3) for name in ("q", "k", "v"))
    keys, values = p.state("keys", "0.0", "f32", 4, 3), p.state("values", "0.0", "f32", 4, 3)
    seen = p.state("seen", "0", "i32")
    push = lambda queue, new: p.move("{t+1}d,{t-3}d->td", queue, p.move("d->td", new, t=1), t=4)
    keys_now, values_now = push(keys, k), push(values, v)
    p.update(keys, keys_now)
    p.update(values, values_now)
    seen_now = p.map("add", seen, p.constant("1", "i32"))
    p.update(seen, seen_now)
    p.note("Place t holds a step once four less t have been seen.")
    empty = p.map("less", p.iota(4), p.map("sub", p.constant("4", "i32"), seen_now))
    scores = p.map("div", p.contract("d,td->t", q, keys_now), p.map("sqrt", p.constant("3.0")))
    hidden = p.map("select", empty, p.constant("-1e30"), scores)
    greatest = p.map("straight", p.constant("0.0"), p.reduce("max", "t->", hidden))
    exponentials = p.map("exp", p.map("sub", hidden, greatest))
    share = p.map("div", exponentials, p.reduce("sum", "t->", exponentials))
    p.output("y", p.contract("t,td->d", share, values_now))
    return p


def log_mel():
    length, width, hop = 40, 16, 4
    frames, bins = length // hop + 1, width // 2 + 1
    p = Program(
        "Log-mel features: centred frames of 16 samples every 4, a Hann window, the discrete Fourier transform as two",
        "contractions, the power, a bank of mel filters, and the logarithm from a floor on.",
    )
    x = p.input("x", "f32", length)
    bank = p.param("mel", bins, 5)
    p.note("Both ends are reflected without repeating the end's sample; each part reads its own slice of the signal.")
    head = p.move("{p+1}->p", x, p=width // 2)
    tail = p.move(f"{{p+{length - 1 - width // 2}}}->p", x, p=width // 2)
    half = width // 2
    words = f"{{-p+{half - 1}}},{{p-{half}}},{{-p+{length + width - 1}}}->p"
    padded = p.move(words, head, x, tail, p=length + width)
    framed = p.move("{4f+n}->fn", padded, f=frames, n=width)
    p.note("2π/16, as the sum of two numbers so that f64 has it in full.")
    turn = p.map("add", p.constant("0.3926991"), p.constant("-1.0927848e-8"))
    p.note("Hann, periodic: ½ − ½·cos(2πn/16)")
    n = p.cast(p.iota(width), "f32")
    one_half = p.constant("0.5")
    cosine = p.map("mul", p.map("cos", p.map("mul", n, turn)), one_half)
    hann = p.map("sub", one_half, cosine)
    windowed = p.map("mul", framed, hann, words="fn,n->fn")
    p.note("The angle of sample n and frequency k, n·k reduced modulo 16 while it is an integer.")
    product = p.map("mul", p.iota(width), p.iota(bins), words="n,k->nk")
    sixteen = p.constant(str(width), "i32")
    reduced = p.map("sub", product, p.map("mul", p.map("div", product, sixteen), sixteen))
    angle = p.map("mul", p.cast(reduced, "f32"), turn)
    real = p.contract("fn,nk->fk", windowed, p.map("cos", angle))
    imaginary = p.contract("fn,nk->fk", windowed, p.map("sin", angle))
    power = p.map("add", p.map("mul", real, real), p.map("mul", imaginary, imaginary))
    mel = p.contract("fk,km->fm", power, bank)
    p.output("y", p.map("log", p.map("max", mel, p.constant("0.0001"))))
    return p


PROGRAMS = [lstm_step, gru_step, wavenet_block, attention, ctc, adamw, conv_int8, attention_queue, log_mel]

if __name__ == "__main__":
    for program in PROGRAMS:
        (FOLDER / f"{program.__name__}.tacit-ir").write_text(program().text())
