//! How long somebody waits for work that may be given up.

use std::fmt;
use std::sync::Arc;

/// How long somebody waits. Whoever does long work asks between two parts of it. Clones are the same patience.
///
/// ```
/// use afterimage::flow::Patience;
/// assert!(!Patience::default().is_over(), "it has no end by itself");
/// assert!(Patience::until(|| true).is_over());
/// ```
#[derive(Clone, Default)]
pub struct Patience(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Patience {
    /// It ends when `is_over` says so, which is asked often and by any thread.
    pub fn until(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    /// Whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Patience(until)" } else { "Patience(endless)" })
    }
}
