//! Layered drawings there and back, as other programs write them, and as nobody should.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::write::pack;
use super::*;
use crate::record::RecordError;
use crate::record::png::encode;

const LONGEST: u32 = 2048;

/// A frame whose pixels all differ.
fn patchwork(size: Size) -> Frame {
    let pixels = (0..size.area() as u32).flat_map(|index| (index.wrapping_mul(2_654_435_761)).to_le_bytes());
    Frame::new(size, pixels.collect()).unwrap()
}

fn layer(name: &str, frame: Option<Frame>, at: (u32, u32)) -> PictureLayer {
    PictureLayer { name: name.into(), drawn: true, visible: true, opacity: 1.0, frame, at }
}

fn drawing() -> LayeredPicture {
    let size = Size::new(300, 40);
    let below = PictureLayer { drawn: false, ..layer("lake <1> & \"2\".png", Some(patchwork(size)), (0, 0)) };
    let above =
        PictureLayer { visible: false, opacity: 0.35, ..layer("Ink 1", Some(patchwork(Size::new(7, 9))), (280, 31)) };
    LayeredPicture {
        size,
        background: Some([1, 2, 3]),
        transparent: false,
        layers: vec![below, above, layer("Ink 2", None, (0, 0))],
        active: Some(1),
    }
}

fn packed(picture: &LayeredPicture) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pack(&mut file, picture, &patchwork(picture.size)).unwrap();
    file.into_inner()
}

fn png(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes, frame, &[]).unwrap();
    bytes
}

/// An archive of these parts, compressed as other programs do.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same with a page and a picture `data/a.png` of 4 x 3 pixels.
fn with_page(page: &str) -> Vec<u8> {
    let picture = png(&Frame::filled(Size::new(4, 3), [9, 8, 7, 128]));
    zipped(&[("mimetype", MIMETYPE.as_bytes()), (PAGE, page.as_bytes()), ("data/a.png", &picture)])
}

fn read(bytes: &[u8]) -> Result<(LayeredPicture, Vec<String>), LayeredError> {
    read_ora(bytes, "a.ora", LONGEST)
}

fn refused(bytes: &[u8]) -> LayeredError {
    let error = read(bytes).map(|(picture, _)| picture.size).unwrap_err();
    assert!(error.to_string().contains("`a.ora`") && !error.remedy().is_empty(), "{error}");
    error
}

#[test]
fn what_is_written_comes_back_to_the_pixel() {
    for transparent in [false, true] {
        let written = LayeredPicture { transparent, ..drawing() };
        let (found, differs) = read(&packed(&written)).unwrap();
        assert!(differs.is_empty(), "{differs:?}");
        assert_eq!(
            (found.size, found.background, found.transparent, found.active),
            (written.size, written.background, transparent, written.active)
        );
        assert_eq!(found.layers.len(), written.layers.len());
        for (found, written) in found.layers.iter().zip(&written.layers) {
            assert_eq!(
                (&found.name, found.drawn, found.visible, found.opacity, found.at),
                (&written.name, written.drawn, written.visible, written.opacity, written.at)
            );
            let expected = written.frame.clone().unwrap_or(Frame::filled(Size::square(1), [0; 4]));
            let frame = found.frame.as_ref().unwrap();
            assert!(frame.size() == expected.size() && frame.pixels() == expected.pixels(), "{}", written.name);
        }
    }
}

#[test]
fn other_programs_know_the_file_by_its_first_bytes_and_find_the_whole_picture() {
    let bytes = packed(&drawing());
    // Stored, no extra field, then name and contents: what the format asks for.
    assert_eq!((&bytes[8..10], &bytes[28..30]), (&[0, 0][..], &[0, 0][..]));
    assert_eq!(&bytes[30..54], b"mimetypeimage/openraster");
    assert!(is_ora(&bytes) && !is_ora(&zipped(&[("a", b"b")])) && !is_ora(b""));
    let mut archive = ZipArchive::new(Cursor::new(&bytes)).unwrap();
    for (part, size) in [
        ("mergedimage.png", Size::new(300, 40)),
        ("Thumbnails/thumbnail.png", Size::new(256, 34)),
        ("data/layer0.png", Size::new(300, 40)),
    ] {
        let mut file = Vec::new();
        std::io::copy(&mut archive.by_name(part).unwrap(), &mut file).unwrap();
        let frame = crate::frame::decode(&file, part).unwrap();
        assert_eq!(frame.size(), size, "{part}");
        if part == "data/layer0.png" {
            assert!(frame.pixels() == Frame::filled(size, [1, 2, 3, 255]).pixels(), "the background is another");
        }
    }
}

#[test]
fn a_file_of_another_program_is_read() {
    let page = r#"<?xml version='1.0' encoding='UTF-8'?>
        <image w="20" h="10" version="0.0.3" xres="300" yres="300" xmlns:mypaint="http://mypaint.org/ns/openraster">
          <stack name="root" opacity="1" mypaint:isolated="yes">
            <layer name="Shade" src="data/a.png" composite-op="svg:multiply" opacity="0.5" x="2" y="-1"/>
            <stack name="Group" opacity="0.5" visibility="hidden" x="10" y="5">
              <layer name="In it" src="data/a.png" x="8" y="1" selected="true"/>
              <stack composite-op="krita:passthrough"><layer src="data/a.png" opacity="0.5"/></stack>
            </stack>
            <filter name="Blur" src="data/a.png"/>
            <layer name="Far away" src="data/a.png" x="1e300" y="-99999999999999999999"/>
            <layer name="Background" src="data/paper.png" mypaint:background-tile="data/a.png"/>
          </stack>
        </image>"#;
    let picture = png(&Frame::filled(Size::new(4, 3), [9, 8, 7, 128]));
    let paper = png(&Frame::filled(Size::new(20, 10), [250, 240, 230, 255]));
    // Without a mimetype, with a folder as a part.
    let bytes =
        zipped(&[(PAGE, page.as_bytes()), ("data/", b""), ("data/a.png", &picture), ("data/paper.png", &paper)]);
    let (found, differs) = read(&bytes).unwrap();
    assert_eq!((found.size, found.background, found.transparent), (Size::new(20, 10), Some([250, 240, 230]), false));
    let layers = found.layers.iter().map(|layer| {
        let size = layer.frame.as_ref().map(Frame::size);
        (layer.name.as_str(), layer.opacity, layer.visible, layer.at, size)
    });
    assert_eq!(
        layers.collect::<Vec<_>>(),
        [
            ("Far away", 1.0, true, (20, 0), None),
            ("Layer 3", 0.25, false, (10, 5), Some(Size::new(4, 3))),
            ("In it", 0.5, false, (18, 6), Some(Size::new(2, 3))),
            ("Shade", 0.5, true, (2, 0), Some(Size::new(4, 2))),
        ]
    );
    assert_eq!(found.active, Some(2));
    assert!(found.layers.iter().all(|layer| layer.drawn), "what others drew is ink");
    for part in [
        "“Shade” is blended by “svg:multiply”",
        "“Blur” is of a kind",
        "“Group” is see-through",
        "beyond the canvas on “In it”",
    ] {
        assert!(differs.iter().any(|said| said.contains(part)), "{part}: {differs:?}");
    }
    assert!(!differs.iter().any(|said| said.contains("passthrough")), "{differs:?}");
}

#[test]
fn only_an_even_colour_under_everything_is_the_background() {
    let page = |attributes: &str| {
        with_page(&format!("<image w='4' h='3'><stack><layer src='data/b.png' {attributes}/></stack></image>"))
    };
    let with = |frame: &Frame, attributes: &str| {
        let page = format!("<image w='4' h='3'><stack><layer src='b' {attributes}/></stack></image>");
        let bytes = zipped(&[(PAGE, page.as_bytes()), ("b", &png(frame))]);
        read(&bytes).unwrap().0.background
    };
    let even = Frame::filled(Size::new(4, 3), [9, 8, 7, 255]);
    assert_eq!(with(&even, "name='Background'"), Some([9, 8, 7]));
    for other in [
        "name='Sky'",
        "name='Background' visibility='hidden'",
        "name='Background' opacity='0.5'",
        "name='Background' x='1'",
    ] {
        assert_eq!(with(&even, other), None, "{other}");
    }
    let mut drawn = even.clone();
    drawn.pixels_mut()[0] = 200;
    assert_eq!(with(&drawn, "name='Background'"), None, "somebody drew on it");
    assert_eq!(with(&Frame::filled(Size::new(4, 3), [9, 8, 7, 254]), "name='Background'"), None);
    // A part that is missing is no background either.
    assert!(matches!(refused(&page("name='Background'")), LayeredError::Broken { .. }));
}

#[test]
fn what_is_no_layered_drawing_is_refused() {
    let picture = png(&Frame::filled(Size::square(2), [1; 4]));
    for bytes in [&b""[..], b"PK\x03\x04", &picture, &zipped(&[]), &zipped(&[("a.txt", b"milk")])] {
        assert!(matches!(refused(bytes), LayeredError::NotLayered { .. }));
    }
    let other = zipped(&[("mimetype", b"application/epub+zip"), (PAGE, b"<image w='4' h='3'><stack/></image>")]);
    assert!(matches!(refused(&other), LayeredError::NotLayered { text, .. } if text.contains("epub")));
    for page in ["", "<image", "<image/>", "<image w='4' h='3'/>", "<image w='x' h='3'><stack/></image>"] {
        assert!(matches!(refused(&with_page(page)), LayeredError::Broken { .. }), "{page}");
    }
    let not_text = zipped(&[(PAGE, b"<image w='4' h='3' name='\xff'><stack/></image>")]);
    assert!(matches!(refused(&not_text), LayeredError::Broken { .. }));
}

#[test]
fn sizes_that_no_canvas_has_are_refused() {
    for (w, h) in [("0", "3"), ("4", "2049"), ("-4", "3"), ("99999999999999999999", "3"), ("1e300", "1e300")] {
        let page = format!("<image w='{w}' h='{h}'><stack><layer src='data/a.png'/></stack></image>");
        assert!(matches!(refused(&with_page(&page)), LayeredError::Size { longest: LONGEST, .. }), "{w} x {h}");
    }
    assert!(read(&with_page("<image w='2048' h='2048'><stack/></image>")).is_ok());
}

#[test]
fn parts_are_looked_for_in_the_file_alone() {
    let folder = std::env::temp_dir().join(format!("afterimage-ora-parts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let secret = folder.join("secret.png");
    std::fs::write(&secret, png(&Frame::filled(Size::new(4, 3), [1; 4]))).unwrap();
    let up = format!("{}{}", "../".repeat(30), secret.display().to_string().trim_start_matches('/'));
    assert!(Path::new(&up).exists(), "the test would find nothing at {up}");
    for src in [up.as_str(), &secret.display().to_string(), "data/b.png", ""] {
        let page = format!("<image w='4' h='3'><stack><layer src='{src}'/></stack></image>");
        assert!(
            matches!(refused(&with_page(&page)), LayeredError::Broken { text, .. } if text.contains("missing")),
            "{src}"
        );
    }
    // As the name of a part it is a name like any other, and nothing is written there.
    std::fs::remove_file(&secret).unwrap();
    let page = format!("<image w='4' h='3'><stack><layer src='{up}'/></stack></image>");
    let picture = png(&Frame::filled(Size::new(4, 3), [1; 4]));
    let (found, _) = read(&zipped(&[(PAGE, page.as_bytes()), (&up, &picture)])).unwrap();
    assert!(found.layers.len() == 1 && !secret.exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn too_much_is_refused_before_it_is_unpacked() {
    let begun = std::time::Instant::now();
    let layers = |count: usize| "<layer src='data/a.png'/>".repeat(count);
    let page = |inside: String, side: u32| format!("<image w='{side}' h='{side}'><stack>{inside}</stack></image>");
    assert_eq!(read(&with_page(&page(layers(257), 4))).unwrap().0.layers.len(), 257);
    let many = refused(&with_page(&page(layers(258), 4)));
    assert_eq!(many, LayeredError::TooManyLayers { name: "a.ora".into(), layers: 258 });
    // A small part that is a large picture, again and again, and one that says so of itself.
    let large = png(&Frame::filled(Size::square(2048), [5, 5, 5, 255]));
    assert!(large.len() < 1 << 20);
    let bytes = zipped(&[(PAGE, page(layers(65), 4).as_bytes()), ("data/a.png", &large)]);
    assert_eq!(refused(&bytes), LayeredError::TooManyPixels { name: "a.ora".into() });
    let mut huge = large.clone();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let bytes = zipped(&[(PAGE, page(layers(1), 4).as_bytes()), ("data/a.png", &huge)]);
    assert_eq!(refused(&bytes), LayeredError::TooManyPixels { name: "a.ora".into() });
    // Parts that grow when they are unpacked.
    let zeros = vec![b' '; 200 << 20];
    for (name, other) in [(PAGE, ("data/a.png", &large[..])), ("data/a.png", (PAGE, page(layers(1), 4).as_bytes()))] {
        let bytes = zipped(&[(name, &zeros), other]);
        assert!(bytes.len() < 1 << 20);
        assert!(matches!(refused(&bytes), LayeredError::Broken { text, .. } if text.contains("more than")), "{name}");
    }
    // Words that grow, and stacks in stacks.
    let words =
        "<!DOCTYPE image [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><image w='4' h='3'><stack name='&b;'/></image>";
    assert!(matches!(refused(&with_page(words)), LayeredError::Broken { .. }));
    let deep = page("<stack>".repeat(90_000) + &"</stack>".repeat(90_000), 4);
    assert!(read(&with_page(&deep)).unwrap().0.layers.is_empty());
    let deeper = page("<stack>".repeat(110_000) + &"</stack>".repeat(110_000), 4);
    assert!(matches!(refused(&with_page(&deeper)), LayeredError::Broken { .. }));
    // A list of parts without end.
    let mut list = with_page(&page(layers(1), 4));
    list.extend(b"PK\x01\x02".repeat(5000));
    assert!(matches!(refused(&list), LayeredError::Broken { text, .. } if text.contains("parts")));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it took {:?}", begun.elapsed());
}

#[test]
fn a_damaged_file_is_refused_and_never_ends_the_program() {
    let whole =
        packed(&LayeredPicture { layers: vec![layer("Ink 1", Some(patchwork(Size::square(3))), (0, 0))], ..drawing() });
    for end in (0..whole.len()).step_by(7) {
        refused(&whole[..end]);
    }
    let mut noticed = 0;
    for place in 0..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[place] ^= 0x55;
        noticed += usize::from(read(&spoilt).is_err());
    }
    // The rest is in the pictures that are not read, in dates and the like.
    assert!(noticed > 100, "{noticed} of {} were noticed", whole.len());
}

#[test]
fn what_could_not_be_opened_again_is_not_written() {
    let path = std::env::temp_dir().join(format!("afterimage-ora-many-{}.ora", std::process::id()));
    let many = LayeredPicture { layers: vec![layer("Ink", None, (0, 0)); MOST_LAYERS], ..drawing() };
    let whole = patchwork(many.size);
    save_ora(&path, &many, &whole).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(read(&bytes).unwrap().0.layers.len(), MOST_LAYERS);
    let shown = path.display().to_string();
    for layers in [
        vec![layer("Ink", None, (0, 0)); MOST_LAYERS + 1],
        vec![layer("", Some(Frame::filled(Size::square(2048), [0; 4])), (0, 0)); 64],
    ] {
        let more = LayeredPicture { layers, ..drawing() };
        assert_eq!(save_ora(&path, &more, &whole), Err(RecordError::TooManyLayers { path: shown.clone() }));
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "what was there is gone");
    std::fs::remove_file(path).unwrap();
}
