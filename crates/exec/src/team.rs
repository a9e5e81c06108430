//! A fixed team of threads that runs one job at a time, fork and join.
//!
//! The caller is worker 0. Nothing is allocated per job. An idle worker spins for some 20 µs, then yields, and
//! parks only after milliseconds: waking a parked thread costs 50–100 µs, many times a small kernel, while
//! spinning for ever starves other programs.

use crate::parts::{Claims, Parts};
use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The environment variable that sets the size of the team.
pub const THREADS_VARIABLE: &str = "TACIT_THREADS";

/// The largest team that `TACIT_THREADS` may ask for.
pub const THREADS_MAX: usize = 1024;

/// A fixed team of threads: the caller and `size - 1` workers, which live as long as the team.
pub struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// One member of the team inside a job.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The number of this worker, below `count`; the caller is 0.
    pub worker: usize,
    /// The size of the team.
    pub count: usize,
    /// Nothing for a worker that works alone.
    barrier: Option<&'a Barrier>,
    /// Nothing where every worker does its own parts.
    claims: Option<Claims<'a>>,
}

/// `TACIT_THREADS` is not a number of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadsError {
    /// What the variable holds.
    pub requested: String,
}

impl Team {
    /// A team of `size` workers, the caller included; `size` 0 counts as 1.
    pub fn new(size: usize) -> Team {
        let size = size.max(1);
        let shared = Arc::new(Shared {
            job: UnsafeCell::new(None),
            epoch: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            parked: (1..size).map(|_| AtomicBool::new(false)).collect(),
            panic: Mutex::new(None),
            barrier: Barrier::new(size),
        });
        let threads = (1..size)
            .map(|worker| {
                let shared = Arc::clone(&shared);
                thread::Builder::new()
                    .name(format!("tacit-{worker}"))
                    .spawn(move || serve(&shared, worker))
                    .expect("the system starts a thread")
            })
            .collect();
        Team { shared, threads }
    }

    /// The size that `TACIT_THREADS` asks for, or the number of available cores.
    pub fn default_size() -> Result<usize, ThreadsError> {
        match std::env::var_os(THREADS_VARIABLE) {
            None => Ok(thread::available_parallelism().map_or(1, usize::from)),
            Some(requested) => requested_size(&requested.to_string_lossy()),
        }
    }

    /// The number of workers, the caller included.
    pub fn size(&self) -> usize {
        self.threads.len() + 1
    }

    /// Runs `job` once for every worker at the same time and returns when all have finished.
    ///
    /// # Panics
    /// If the job panics in any worker, the first panic goes on here after all workers have stopped; a worker
    /// that waits at the barrier then stops too.
    pub fn run<F: Fn(Member<'_>) + Sync>(&mut self, job: F) {
        let shared = &*self.shared;
        let count = self.size();
        let run = |worker: usize| job(Member { worker, count, barrier: Some(&shared.barrier), claims: None });
        if count > 1 {
            let erased: &(dyn Fn(usize) + Sync) = &run;
            // SAFETY: every worker drops the reference before `running` falls to 0, and this function does not
            // return or unwind before that. No worker reads the cell until `epoch` is raised below.
            unsafe {
                *shared.job.get() =
                    Some(std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(erased));
            }
            shared.barrier.reset();
            shared.running.store(count - 1, Ordering::Relaxed);
            shared.epoch.fetch_add(1, Ordering::SeqCst);
            for (parked, thread) in shared.parked.iter().zip(&self.threads) {
                if parked.load(Ordering::SeqCst) {
                    thread.thread().unpark();
                }
            }
        }
        run_guarded(shared, &run, 0);
        wait_until(|| shared.running.load(Ordering::Acquire) == 0);
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A worker catches the panics of its jobs, so joining it cannot fail.
            let _ = thread.join();
        }
    }
}

impl<'a> Member<'a> {
    /// A team of one, inside a larger one or without any.
    pub const ALONE: Member<'static> = Member { worker: 0, count: 1, barrier: None, claims: None };

    /// The same worker in a kernel whose parts are handed out so; nothing if everyone does their own.
    pub fn with_claims(self, claims: Option<Claims<'a>>) -> Member<'a> {
        Member { claims, ..self }
    }

    /// How many parts each worker has, where the work leaves that open.
    pub fn each(&self) -> usize {
        self.claims.map_or(1, |claims| claims.each)
    }

    /// The parts that this worker does of the kernel's division number `division`: numbers below `count · each`.
    ///
    /// All workers call this with the same numbers, and no division comes twice in a run of the kernel.
    pub fn parts(&self, division: usize, each: usize) -> Parts<'a> {
        Parts::new(self.claims, division, each, self.worker, self.count)
    }

    /// Waits until every worker of the team has called this equally often in the current job.
    ///
    /// # Panics
    /// If another worker panicked and so will never arrive.
    pub fn barrier(&self) {
        if let Some(barrier) = self.barrier {
            barrier.wait();
        }
    }
}

impl fmt::Display for ThreadsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{THREADS_VARIABLE}` is not a number of threads: `{}`\n\
             help: use a whole number from 1 to {THREADS_MAX}, or unset it to use every core",
            self.requested
        )
    }
}

impl std::error::Error for ThreadsError {}

/// What a worker does before it parks: it spins this long,
const SPIN: Duration = Duration::from_micros(20);
/// and from then on yields until this much time has passed.
const YIELD: Duration = Duration::from_millis(4);

type Job = &'static (dyn Fn(usize) + Sync);

struct Shared {
    /// The current job; written by the caller only while no worker runs.
    job: UnsafeCell<Option<Job>>,
    /// Raised by one for every job.
    epoch: AtomicUsize,
    /// Workers, without the caller, that have not finished the current job.
    running: AtomicUsize,
    stop: AtomicBool,
    /// For every worker but the caller, whether it is parked or about to park.
    parked: Vec<AtomicBool>,
    /// The payload of the first panic in the current job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    barrier: Barrier,
}

// SAFETY: `job` is the only part that is not `Sync` by itself. The caller, who holds the team exclusively, writes
// it while `running` is 0; workers read it only between the rise of `epoch` and their decrement of `running`.
unsafe impl Sync for Shared {}
// SAFETY: as above; the job itself is `Sync`, so a reference to it may be used from any thread.
unsafe impl Send for Shared {}

/// A barrier that counts arrivals and breaks when a worker panics.
struct Barrier {
    size: usize,
    arrived: AtomicUsize,
    generation: AtomicUsize,
    broken: AtomicBool,
}

/// The panic payload of a worker that stops because another one panicked.
struct BarrierBroken;

impl Barrier {
    fn new(size: usize) -> Barrier {
        Barrier { size, arrived: AtomicUsize::new(0), generation: AtomicUsize::new(0), broken: AtomicBool::new(false) }
    }

    /// Prepares for the next job; nobody may be waiting.
    fn reset(&self) {
        self.arrived.store(0, Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
    }

    fn wait(&self) {
        let generation = self.generation.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.size {
            self.arrived.store(0, Ordering::Relaxed);
            self.generation.fetch_add(1, Ordering::Release);
            return;
        }
        wait_until(|| self.generation.load(Ordering::Acquire) != generation || self.broken.load(Ordering::Relaxed));
        if self.generation.load(Ordering::Acquire) == generation {
            // Not `panic!`: the hook would print a message for every worker that merely follows.
            resume_unwind(Box::new(BarrierBroken));
        }
    }
}

/// Parses the value of `TACIT_THREADS`.
fn requested_size(requested: &str) -> Result<usize, ThreadsError> {
    requested
        .trim()
        .parse()
        .ok()
        .filter(|size| (1..=THREADS_MAX).contains(size))
        .ok_or_else(|| ThreadsError { requested: requested.to_owned() })
}

/// The life of a worker thread.
fn serve(shared: &Shared, worker: usize) {
    let mut seen = 0;
    loop {
        wait_for_job(shared, worker, seen);
        seen += 1;
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        // SAFETY: the rise of `epoch`, seen by an acquiring load, came after the job was written, and the caller
        // does not write it again before this worker has lowered `running`.
        let job = unsafe { *shared.job.get() };
        if let Some(job) = job {
            run_guarded(shared, job, worker);
        }
        shared.running.fetch_sub(1, Ordering::Release);
    }
}

/// Runs a worker's part of the job; a panic is kept for the caller and breaks the barrier.
fn run_guarded(shared: &Shared, job: &(dyn Fn(usize) + Sync), worker: usize) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(worker))) {
        let mut first = shared.panic.lock().unwrap_or_else(PoisonError::into_inner);
        // A worker that only followed must not hide the panic that it followed.
        if first.is_none() && !payload.is::<BarrierBroken>() {
            *first = Some(payload);
        }
        drop(first);
        shared.barrier.broken.store(true, Ordering::Relaxed);
    }
}

/// Waits until `epoch` is above `seen`: spinning, then yielding, then parked.
fn wait_for_job(shared: &Shared, worker: usize, seen: usize) {
    let arrived = || shared.epoch.load(Ordering::SeqCst) != seen;
    if wait_until_or(arrived, YIELD) {
        return;
    }
    let parked = &shared.parked[worker - 1];
    parked.store(true, Ordering::SeqCst);
    // The caller raises `epoch` before it looks at `parked`, so one of the two sees the other's store.
    while !arrived() {
        thread::park();
    }
    parked.store(false, Ordering::SeqCst);
}

/// Waits, spinning and then yielding, until `done`.
fn wait_until(done: impl Fn() -> bool) {
    wait_until_or(done, Duration::MAX);
}

/// Waits, spinning and then yielding, until `done` or until `limit` has passed; tells whether it is done.
fn wait_until_or(done: impl Fn() -> bool, limit: Duration) -> bool {
    let mut start = None;
    loop {
        // The clock is read once in 64 looks, since a look costs less than the clock.
        for _ in 0..64 {
            if done() {
                return true;
            }
            spin_loop();
        }
        let waited = start.get_or_insert_with(Instant::now).elapsed();
        if waited > limit {
            return false;
        }
        if waited > SPIN {
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_runs_every_job_once() {
        for size in 1..5 {
            let mut team = Team::new(size);
            let counts: Vec<AtomicUsize> = (0..size).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..200 {
                team.run(|member| {
                    assert_eq!(member.count, size);
                    counts[member.worker].fetch_add(1, Ordering::Relaxed);
                });
            }
            for count in &counts {
                assert_eq!(count.load(Ordering::Relaxed), 200);
            }
        }
    }

    #[test]
    fn parked_workers_wake_for_the_next_job() {
        let mut team = Team::new(3);
        let ran = AtomicUsize::new(0);
        for _ in 0..3 {
            thread::sleep(YIELD * 4);
            team.run(|_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(ran.load(Ordering::Relaxed), 9);
    }

    #[test]
    fn the_barrier_orders_phases() {
        let mut team = Team::new(3);
        let phase: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
        team.run(|member| {
            for step in 1..100 {
                phase[member.worker].store(step, Ordering::Relaxed);
                member.barrier();
                for other in &phase {
                    assert_eq!(other.load(Ordering::Relaxed), step);
                }
                member.barrier();
            }
        });
    }

    #[test]
    fn a_panic_in_any_worker_reaches_the_caller_and_the_team_goes_on() {
        let mut team = Team::new(3);
        for culprit in 0..3 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                team.run(|member| {
                    if member.worker == culprit {
                        resume_unwind(Box::new("planned"));
                    }
                    // The others wait for the culprit, who never arrives.
                    member.barrier();
                });
            }));
            let payload = outcome.unwrap_err();
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"planned"));
            let ran = AtomicUsize::new(0);
            team.run(|member| {
                member.barrier();
                ran.fetch_add(1, Ordering::Relaxed);
                member.barrier();
            });
            assert_eq!(ran.load(Ordering::Relaxed), 3);
        }
    }

    #[test]
    fn the_size_is_a_whole_number_from_one() {
        assert_eq!(requested_size("3"), Ok(3));
        assert_eq!(requested_size(" 16 "), Ok(16));
        for bad in ["0", "-1", "two", "", "1.5", "1025"] {
            let error = requested_size(bad).unwrap_err();
            assert!(error.to_string().contains("not a number of threads"), "{error}");
        }
    }
}
