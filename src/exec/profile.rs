//! How long each step of a program takes, beside how long it would have to.

/// A step of a program's frame stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// What is done, with the path of the module it is from.
    pub what: String,
    /// Shape of the result.
    pub shape: String,
    /// Floating-point operations, a multiplication with its addition counted as two.
    pub flops: u64,
    /// Bytes that have to be read and written at least: values and weights.
    pub bytes: u64,
    /// Median time in milliseconds.
    pub ms: f64,
}

/// The steps of a program's frame stage, and what the machine can do at best.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// In the order in which they run.
    pub steps: Vec<StepTime>,
    /// Operations a second of the innermost loop alone, on all threads, with everything at hand.
    pub flops_per_s: f64,
    /// Bytes a second, read and written, of a large copy on all threads.
    pub bytes_per_s: f64,
}

impl Profile {
    /// The least time of a step in milliseconds: for its arithmetic or for its bytes, whichever takes longer.
    pub fn predicted_ms(&self, step: &StepTime) -> f64 {
        (step.flops as f64 / self.flops_per_s).max(step.bytes as f64 / self.bytes_per_s) * 1e3
    }

    /// How much of the machine's arithmetic a step uses, 0..=1.
    pub fn share_of_peak(&self, step: &StepTime) -> f64 {
        if step.ms > 0.0 { step.flops as f64 / (step.ms * 1e-3) / self.flops_per_s } else { 0.0 }
    }
}
