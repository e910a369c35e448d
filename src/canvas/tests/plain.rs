//! Drawings that are taken apart and put together again.

use super::*;

/// The tiles of each layer, as they are.
fn tiles(document: &Document) -> Vec<Vec<Option<[u8; 4 * 4096]>>> {
    let whole = |layer: &Layer| {
        let tile = |index| layer.ink.get(index).map(|tile| tile.as_flattened().try_into().unwrap());
        (0..layer.ink.shape().count()).map(tile).collect()
    };
    document.layers().iter().map(whole).collect()
}

fn again(document: &Document) -> Document {
    let active = document.layers().iter().position(|layer| layer.id() == document.active());
    let layers: Vec<PlainLayer> = document.layers().iter().map(Layer::plain).collect();
    Document::of_layers(document.size(), document.background(), layers, active)
}

#[test]
fn a_drawing_taken_apart_is_the_same_when_it_is_put_together() {
    let mut layers = 0;
    for seed in 1..=30 {
        let (mut document, mut dice) = (Document::new(SIZE, [250, 250, 240]), Dice(seed * 15_485_863));
        for _ in 0..20 {
            anything(&mut document, &mut dice);
        }
        document.end_stroke();
        let again = again(&document);
        let on_each = |document: &Document| {
            let on = |layer: &Layer| (layer.name().to_owned(), layer.kind(), layer.is_visible(), layer.opacity());
            document.layers().iter().map(on).collect::<Vec<_>>()
        };
        assert_eq!(on_each(&again), on_each(&document), "seed {seed}");
        // Tiles without a pixel are none.
        let seen = |tiles: Vec<Vec<Option<[u8; 4 * 4096]>>>| {
            let seen = |tile: &Option<[u8; 4 * 4096]>| tile.filter(|tile| tile.iter().any(|value| *value > 0));
            tiles.iter().map(|layer| layer.iter().map(seen).collect()).collect::<Vec<Vec<_>>>()
        };
        assert!(seen(tiles(&again)) == seen(tiles(&document)), "seed {seed}: other pixels");
        assert!(bytes(&again) == bytes(&document), "seed {seed}: another look");
        let place = |document: &Document| document.layers().iter().position(|layer| layer.id() == document.active());
        assert_eq!(place(&again), place(&document));
        assert!(!again.can_undo() && !again.is_sample() && again.version() != document.version());
        layers += document.layers().len();
    }
    assert!(layers > 60, "only {layers} layers were looked at");
}

#[test]
fn a_part_lies_where_it_lay_and_what_is_beyond_the_canvas_is_left_out() {
    let part = Frame::filled(Size::new(70, 70), [200, 0, 0, 255]);
    let layer = |at| PlainLayer {
        name: "Part".into(),
        kind: LayerKind::Picture,
        visible: true,
        opacity: f32::NAN,
        frame: Some(part.clone()),
        at,
    };
    let mut document =
        Document::of_layers(Size::new(100, 90), [255; 3], [layer((50, 61)), layer((u32::MAX, 0))], Some(9));
    let red = Some([200, 0, 0]);
    assert_eq!([(50.0, 61.0), (99.0, 89.0)].map(|(x, y)| document.pick(x, y)), [red; 2]);
    assert_eq!([(49.0, 61.0), (50.0, 60.0)].map(|(x, y)| document.pick(x, y)), [Some([255; 3]); 2]);
    assert!(document.layers()[1].is_blank());
    // There is a layer to draw on, and its name for the program is nobody else's.
    assert_eq!(document.layers().len(), 3);
    assert_eq!((document.active(), document.layers()[2].kind()), (document.layers()[2].id(), LayerKind::Ink));
    let new = document.add_ink_layer();
    assert_eq!(document.layers().iter().filter(|layer| layer.id() == new).count(), 1);
}

#[test]
fn layers_count_where_something_is_on_them() {
    let mut document = Document::new(SIZE, [255; 3]);
    document.add_ink_layer();
    assert!(!document.is_layered(), "two blank ones");
    document.fill(5.0, 5.0, [200, 0, 0], 16);
    assert!(!document.is_layered(), "one is blank");
    document.add_ink_layer();
    document.fill(5.0, 5.0, [0, 200, 0], 16);
    assert!(document.is_layered());
    document.set_visible(document.active(), false);
    assert!(document.is_layered(), "what is hidden is on a layer, too");
}
