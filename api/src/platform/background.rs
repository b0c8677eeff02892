//! A task beside the requests that ends when its handle is dropped.

use tokio::task::JoinHandle;

/// The handle of a task.
#[derive(Debug)]
#[must_use = "the task ends with its handle"]
pub struct Background(JoinHandle<()>);

impl Background {
    pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
