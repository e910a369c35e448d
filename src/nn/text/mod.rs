//! Words to numbers, and the network that reads them.

mod tokenizer;
mod tokenizer_files;

pub use tokenizer::Tokenizer;
pub use tokenizer_files::TokenizerError;
