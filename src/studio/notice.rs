//! The only form in which the faces print trouble.

/// Something to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub kind: NoticeKind,
    /// What happened, naming the thing.
    pub what: String,
    /// What to do about it; empty when nothing needs doing.
    pub remedy: String,
}

/// How bad a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// What was asked for is done.
    Done,
    /// Good or neutral news.
    Info,
    /// Something is less than asked for.
    Warning,
    /// Something did not happen.
    Error,
}

impl Notice {
    /// What was asked for is done.
    pub fn done(what: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Done, what: what.into(), remedy: String::new() }
    }

    /// News that need no action.
    pub fn info(what: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Info, what: what.into(), remedy: String::new() }
    }

    /// A warning with its remedy.
    pub fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Warning, what: what.into(), remedy: remedy.into() }
    }

    /// A failure with its remedy.
    pub fn error(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Error, what: what.into(), remedy: remedy.into() }
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.remedy.as_str() {
            "" => f.write_str(&self.what),
            remedy => write!(f, "{}: {remedy}", self.what),
        }
    }
}
