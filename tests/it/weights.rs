//! Model files that are broken, renamed, cut short, oversized or hostile: each has its own sentence, and none of them is believed.

use std::path::Path;

use afterimage::nn::text::{Tokenizer, TokenizerError};
use afterimage::weights::{Dtype, ModelCard, ModelFiles, ModelSource, TensorFile, Weights, WeightsError};
use libtest_mimic::Trial;

use crate::support::{TempDir, root};

/// A file of `header` and `data` bytes.
fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![1; data]].concat()
}

fn write(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// What opening `bytes` as a checkpoint says.
fn refusal(bytes: &[u8]) -> WeightsError {
    let dir = TempDir::new("weights");
    let path = dir.path().join("x.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let error = TensorFile::open(&path).expect_err("should be refused");
    assert!(error.to_string().contains("x.safetensors"), "{error}");
    assert!(!error.remedy().is_empty());
    error
}

/// Checks that the message has all `parts`.
fn says(bytes: &[u8], parts: &[&str]) {
    let text = refusal(bytes).to_string();
    for part in parts {
        assert!(text.contains(part), "`{text}` should say `{part}`");
    }
}

fn entry(key: &str, dtype: &str, shape: &str, from: u64, to: u64) -> String {
    format!(r#""{key}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
}

fn one(dtype: &str, shape: &str, from: u64, to: u64) -> String {
    format!("{{{}}}", entry("a.b", dtype, shape, from, to))
}

fn hostile_headers() {
    says(b"", &["expected at least 8 bytes", "found 0"]);
    says(&[1, 2, 3], &["found 3"]);
    says(&file("", 0), &["JSON"]);
    says(&[1000_u64.to_le_bytes().as_slice(), b"{}"].concat(), &["1000 bytes", "only 2 follow"]);
    says(&u64::MAX.to_le_bytes(), &["at most 100000000", "18446744073709551615"]);
    says(&file("[1,2]", 0), &["JSON"]);
    says(&file("{\"a\":", 0), &["its header"]);
    says(&file("{\"a\":7}", 0), &["`a`"]);
    says(&file(&format!("{{\"a\":{}", "[".repeat(100_000)), 0), &["`a`"]);
    says(&file(&format!("{{\"__metadata__\":{{\"a\":{}", "[".repeat(100_000)), 0), &["its header"]);
    says(&[0xff; 4000], &["at most 100000000"]);
}

fn hostile_tensors() {
    says(&file(&one("F32", "[2]", 0, 9), 9), &["`a.b`", "expected 8 bytes", "found 9"]);
    says(&file(&one("F31", "[2]", 0, 8), 8), &["`a.b`", "F31"]);
    says(&file(&one("F32", "[2]", 8, 0), 8), &["`a.b`", "bytes 8 to 0"]);
    says(&file(&one("F32", "[4294967296,4294967296,4294967296]", 0, 8), 8), &["`a.b`", "fits into memory"]);
    says(&file(&one("F32", "[18446744073709551615]", 0, 8), 8), &["`a.b`"]);
    says(&file(&one("F32", "[-1]", 0, 8), 8), &["`a.b`"]);
    says(&file(&one("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), 4), &["at most 8 dimensions"]);
    let pair = |a: &str, b: &str| format!("{{{a},{b}}}");
    let first = entry("a", "F32", "[2]", 0, 8);
    says(&file(&pair(&first, &entry("b", "F32", "[2]", 4, 12)), 12), &["`b`", "from byte 8", "an overlap"]);
    says(&file(&pair(&first, &entry("b", "F32", "[2]", 12, 20)), 20), &["`b`", "from byte 8", "a gap"]);
    says(&file(&pair(&first, &entry("a", "F32", "[2]", 8, 16)), 16), &["`a`", "found two"]);
    says(&file(&format!("{{{first}}}"), 9), &["belong to no tensor"]);
}

fn files_cut_short() {
    let whole = std::fs::read(root().join("assets/model/vae/diffusion_pytorch_model.safetensors")).unwrap();
    for keep in [whole.len() - 1, whole.len() / 2] {
        let error = refusal(&whole[..keep]);
        let WeightsError::Truncated { expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((expected, found), (whole.len() as u64, keep as u64));
    }
    says(&whole[..500], &["only 492 follow"]);
}

fn not_checkpoints() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3438167536\n";
    assert!(matches!(refusal(pointer), WeightsError::LfsPointer { .. }));
    says(b"<!DOCTYPE html><html>not found</html>", &["at most 100000000"]);
    let dir = TempDir::new("weights");
    let error = TensorFile::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("it is a folder"), "{error}");
    let error = TensorFile::open(&dir.path().join("none")).unwrap_err();
    assert!(matches!(&error, WeightsError::Io { absent: true, .. }), "{error}");
}

/// The same values as the format's own library reads.
fn agrees_with_the_library() {
    let path = root().join("assets/model/unet/diffusion_pytorch_model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let ours = TensorFile::open(&path).unwrap();
    let mut names = theirs.names();
    names.sort_unstable();
    assert_eq!(ours.keys().collect::<Vec<_>>(), names);
    for name in names {
        let view = theirs.tensor(name).unwrap();
        assert_eq!(ours.shape(name), Some(view.shape()));
        assert_eq!(ours.dtype(name), Some(Dtype::F16));
        let expected = view.data().chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32());
        assert!(ours.read_floats(name).unwrap().into_iter().eq(expected), "{name}");
    }
}

fn every_float_type_is_read() {
    let dir = TempDir::new("weights");
    let values = [1.5_f32, -0.25, 70.0];
    let data: [(&str, Vec<u8>); 4] = [
        ("F64", values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect()),
        ("F32", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("F16", values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect()),
        ("BF16", values.iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect()),
    ];
    for (dtype, bytes) in data {
        let header = one(dtype, "[3]", 0, bytes.len() as u64);
        let path = dir.path().join(dtype);
        std::fs::write(&path, [file(&header, 0), bytes].concat()).unwrap();
        assert_eq!(TensorFile::open(&path).unwrap().read_floats("a.b").unwrap(), values, "{dtype}");
    }
    let path = dir.path().join("ints");
    std::fs::write(&path, file(&one("U8", "[3]", 0, 3), 3)).unwrap();
    let ints = TensorFile::open(&path).unwrap();
    assert_eq!(ints.read_ints("a.b").unwrap(), [1, 1, 1]);
    let error = ints.read_floats("a.b").unwrap_err().to_string();
    assert!(error.contains("`a.b` should be F32, F16 or BF16, found U8"), "{error}");
}

fn weights_name_what_is_wrong() {
    let files = ModelFiles::open(&ModelSource::Default).unwrap();
    let weights =
        Weights::open(&[("unet", files.tensors("unet").unwrap()), ("vae.", files.tensors("vae").unwrap())]).unwrap();
    let shape = weights.shape("unet.conv_in.weight").unwrap().to_vec();
    assert_eq!(shape, [32, 4, 3, 3]);
    assert_eq!(weights.read("unet.conv_in.weight", &shape).unwrap().len(), 32 * 4 * 9);
    assert!(weights.keys().any(|key| key.starts_with("vae.encoder.")));
    let error = weights.read("unet.conv_in.weight", &[64, 4, 3, 3]).unwrap_err().to_string();
    let parts = ["diffusion_pytorch_model.safetensors", "unet.conv_in.weight", "[64, 4, 3, 3]", "[32, 4, 3, 3]"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    let error = weights.read("unet.conv_im.weight", &shape).unwrap_err();
    let WeightsError::Missing { file, nearest, .. } = &error else { panic!("{error}") };
    assert!(file.contains("unet"), "{file}");
    assert_eq!(nearest.as_deref(), Some("unet.conv_in.weight"));
}

/// Foreign names become ours, with their shapes.
fn foreign_names_are_translated() {
    let dir = TempDir::new("weights");
    let entries = [
        entry("embeddings.token_embedding.weight", "F32", "[2,1]", 0, 8),
        entry("final_layer_norm.bias", "F32", "[1]", 8, 12),
        entry("mid.attentions.0.proj_attn.weight", "F32", "[1,1,1,1]", 12, 16),
    ];
    write(dir.path(), "model.safetensors", &file(&format!("{{{}}}", entries.join(",")), 16));
    let files = ModelFiles::folder(dir.path()).unwrap().tensors("").unwrap();
    let weights = Weights::open(&[("text_encoder", files.clone())]).unwrap();
    assert_eq!(weights.shape("text_encoder.text_model.embeddings.token_embedding.weight"), Some([2, 1].as_slice()));
    assert_eq!(weights.read("text_encoder.text_model.final_layer_norm.bias", &[1]).unwrap().len(), 1);
    assert_eq!(weights.read("text_encoder.mid.attentions.0.to_out.0.weight", &[1, 1]).unwrap().len(), 1);
    let twice = Weights::open(&[("x", [files.clone(), files].concat())]).unwrap_err().to_string();
    assert!(twice.contains("found two"), "{twice}");
}

fn shards_are_gathered() {
    let dir = TempDir::new("weights");
    let index = |map: &str| format!(r#"{{"metadata":{{"total_size":8}},"weight_map":{{{map}}}}}"#);
    let name = "unet/diffusion_pytorch_model.safetensors.index.json";
    write(dir.path(), "unet/one.safetensors", &file(&format!("{{{}}}", entry("a", "F32", "[1]", 0, 4)), 4));
    write(dir.path(), "unet/two.safetensors", &file(&format!("{{{}}}", entry("b", "F32", "[1]", 0, 4)), 4));
    let files = ModelFiles::folder(dir.path()).unwrap();
    let refused = |map: &str| {
        write(dir.path(), name, index(map).as_bytes());
        files.tensors("unet").unwrap_err().to_string()
    };
    assert!(refused(r#""a":"three.safetensors""#).contains("three.safetensors"));
    assert!(refused(r#""a":"../unet/one.safetensors""#).contains("not a safetensors file of this folder"));
    assert!(refused(r#""z":"one.safetensors""#).contains("`z`"));
    assert!(refused("").contains("names no file"));
    write(dir.path(), name, index(r#""a":"one.safetensors","b":"two.safetensors""#).as_bytes());
    let weights = Weights::open(&[("unet", files.tensors("unet").unwrap())]).unwrap();
    assert_eq!(weights.keys().collect::<Vec<_>>(), ["unet.a", "unet.b"]);
    write(dir.path(), name, b"{]");
    assert!(matches!(files.tensors("unet").unwrap_err(), WeightsError::Json { .. }));
}

fn folders_that_are_no_model() {
    let dir = TempDir::new("weights");
    let open = |path: &Path| ModelFiles::open(&ModelSource::Dir(path.into())).err().unwrap();
    assert!(matches!(open(&dir.path().join("none")), WeightsError::NoFolder { is_file: false, .. }));
    assert!(matches!(open(dir.path()), WeightsError::NotAModel { .. }));
    write(dir.path(), "a.txt", b"");
    assert!(matches!(open(&dir.path().join("a.txt")), WeightsError::NoFolder { is_file: true, .. }));
    write(dir.path(), "model_index.json", b"{}");
    let files = ModelFiles::open(&ModelSource::Dir(dir.path().into())).unwrap();
    assert!(files.name().starts_with("afterimage-weights"), "{}", files.name());
    assert_eq!(files.card().unwrap(), None);
    let error = files.tensors("unet").unwrap_err().to_string();
    assert!(error.contains("found nothing") && error.contains("diffusion_pytorch_model.safetensors"), "{error}");
    write(dir.path(), "unet/diffusion_pytorch_model.bin", b"");
    let error = files.tensors("unet").unwrap_err();
    assert!(error.to_string().contains("diffusion_pytorch_model.bin") && error.remedy().contains("safetensors"));
    write(dir.path(), "unet/weights.safetensors", b"");
    std::fs::remove_file(dir.path().join("unet/diffusion_pytorch_model.bin")).unwrap();
    let error = files.tensors("unet").unwrap_err().to_string();
    assert!(error.contains("found weights.safetensors"), "{error}");
}

fn small_files_are_small() {
    let dir = TempDir::new("weights");
    let huge = std::fs::File::create(dir.path().join("config.json")).unwrap();
    huge.set_len(5 << 30).unwrap();
    let files = ModelFiles::folder(dir.path()).unwrap();
    let error = files.read_small("config.json").unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("16777216") && error.contains("5368709120"), "{error}");
    assert!(files.read_small("").unwrap_err().to_string().contains("it is a folder"));
}

/// The table in the program names every file of the model.
fn the_bundle_is_complete() {
    let table = std::fs::read_to_string(root().join("src/weights/bundled.rs")).unwrap();
    let model = root().join("assets/model");
    let mut folders = vec![model.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&model).unwrap().to_string_lossy().replace('\\', "/");
            assert!(table.contains(&format!("\"{name}\"")), "{name} is not bundled");
        }
    }
}

fn cards() {
    let parse = |text: &str| ModelCard::parse(text.as_bytes(), "card.json");
    assert_eq!(parse("{}").unwrap(), ModelCard::default());
    assert_eq!(parse(r#"{"name":"x","new":[1]}"#).unwrap().name, "x");
    let odd = [
        "",
        "[]",
        r#"{"name":7}"#,
        r#"{"defaults":{"steps":0}}"#,
        r#"{"defaults":{"strength":7.0}}"#,
        r#"{"defaults":{"guidance":-1.0}}"#,
        r#"{"resolution":100000}"#,
    ];
    for text in odd {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().contains("card.json") && !error.remedy().is_empty(), "{text}");
    }
    let long = format!(r#"{{"about":"{}"}}"#, "x".repeat(5000));
    assert!(parse(&long).unwrap_err().to_string().contains("4096"));
}

/// A copy of the default model's tokenizer with one file replaced.
fn tokenizer_with(name: &str, content: &str) -> Result<Tokenizer, TokenizerError> {
    let dir = TempDir::new("tokenizer");
    for file in ["vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json"] {
        std::fs::copy(root().join("assets/model/tokenizer").join(file), dir.path().join(file)).unwrap();
    }
    std::fs::write(dir.path().join(name), content).unwrap();
    Tokenizer::open(&ModelFiles::folder(dir.path()).unwrap(), "", 32)
}

fn broken_tokenizers() {
    let says = |name: &str, content: &str, part: &str| {
        let error = tokenizer_with(name, content).err().unwrap();
        assert!(error.to_string().contains(part) && !error.remedy().is_empty(), "`{error}` should say `{part}`");
    };
    says("vocab.json", "{", "vocab.json");
    says("vocab.json", r#"{"a":-1}"#, "vocab.json");
    says("merges.txt", "#version\na b c\n", "line 2: expected two tokens");
    says("merges.txt", "#version\nqq zz\n", "no token `qq`");
    says("special_tokens_map.json", r#"{"pad_token":"<none>"}"#, "special token `<none>`");
    says("special_tokens_map.json", r#"{"pad_token":5}"#, "special_tokens_map.json");
    let files = ModelFiles::open(&ModelSource::Default).unwrap();
    assert!(matches!(Tokenizer::open(&files, "tokenizer", 1), Err(TokenizerError::Length { length: 1 })));
    assert!(matches!(Tokenizer::open(&files, "nowhere", 32), Err(TokenizerError::File(_))));
}

fn padding_is_the_files_own() {
    let tokenizer = tokenizer_with("special_tokens_map.json", r#"{"pad_token":"!"}"#).unwrap();
    let ids = tokenizer.encode("red apple");
    assert_eq!((ids.len(), ids[31]), (32, 0));
    assert!(ids.contains(&tokenizer.end_id()));
}

/// Long or odd prompts are quick and give the right number of ids.
fn hostile_prompts() {
    let files = ModelFiles::open(&ModelSource::Default).unwrap();
    let tokenizer = Tokenizer::open(&files, "tokenizer", 32).unwrap();
    let start = std::time::Instant::now();
    let odd = [
        "a".repeat(100_000),
        "red apple, ".repeat(10_000),
        "🍎\u{200d}\u{fe0f}".repeat(10_000),
        "\u{0301}".repeat(50_000),
        (0..32_u8).map(char::from).cycle().take(100_000).collect(),
        "<|endoftext|>".repeat(8000),
        format!("{}red apple", " \n\t\u{a0}".repeat(25_000)),
    ];
    for prompt in &odd {
        let ids = tokenizer.encode(prompt);
        assert_eq!(ids.len(), 32);
        assert!(ids.iter().all(|id| *id <= tokenizer.largest_id()));
    }
    assert_eq!(tokenizer.encode(&odd[6]), tokenizer.encode("red apple"));
    assert_eq!(tokenizer.encode(&odd[1]), tokenizer.encode(&"red apple, ".repeat(40)));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, fn()); 16] = [
        ("hostile_headers", hostile_headers),
        ("hostile_tensors", hostile_tensors),
        ("files_cut_short", files_cut_short),
        ("not_checkpoints", not_checkpoints),
        ("agrees_with_the_library", agrees_with_the_library),
        ("every_float_type_is_read", every_float_type_is_read),
        ("weights_name_what_is_wrong", weights_name_what_is_wrong),
        ("foreign_names_are_translated", foreign_names_are_translated),
        ("shards_are_gathered", shards_are_gathered),
        ("folders_that_are_no_model", folders_that_are_no_model),
        ("small_files_are_small", small_files_are_small),
        ("the_bundle_is_complete", the_bundle_is_complete),
        ("cards", cards),
        ("broken_tokenizers", broken_tokenizers),
        ("padding_is_the_files_own", padding_is_the_files_own),
        ("hostile_prompts", hostile_prompts),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("weights::{name}"), move || {
            test();
            Ok(())
        })
    };
    all.into_iter().map(trial).collect()
}
