//! Every fixture of a folder run through the real code, with stated limits.
