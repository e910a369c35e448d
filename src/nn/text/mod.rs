//! Words to numbers, and the network that reads them.

pub mod clip;
mod tokenizer;
mod tokenizer_files;

pub use clip::ClipConfig;
pub use tokenizer::Tokenizer;
pub use tokenizer_files::TokenizerError;
