//! The threads of candle's products.

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Device;
use crate::error::{Error, Result};

/// The threads that candle's products share on the processor; none on other devices.
pub struct Threads(Option<ThreadPool>);

impl Threads {
    /// `threads` threads for a model on the processor. On a card nothing is started.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(device: &Device, threads: usize) -> Result<Self> {
        if !device.is_cpu() {
            return Ok(Threads(None));
        }
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|_| "candle".into()).build();
        pool.map(|pool| Threads(Some(pool)))
            .map_err(|e| Error::Internal(format!("cannot start the model's threads: {e}")))
    }

    /// Runs `work` where its products find these threads.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// How many there are; none on a card.
    pub fn count(&self) -> Option<usize> {
        self.0.as_ref().map(ThreadPool::current_num_threads)
    }
}
