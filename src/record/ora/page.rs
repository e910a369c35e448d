//! `stack.xml`: how the layers lie. Written by us or by any other program, and so read without trust.

use roxmltree::{Document, Node, ParsingOptions};

use crate::frame::Size;

/// Ours among the attributes, so that a layer comes back as what it was.
const SPACE: &str = "urn:afterimage:openraster";
/// Layers that lie as ours do.
const NORMAL: &str = "svg:src-over";
/// Groups that only gather layers, as far as their picture goes.
const PASSED_THROUGH: [&str; 2] = ["krita:passthrough", "pass through"];
/// Most elements of a page.
const MOST_NODES: u32 = 100_000;
/// Further away than this nothing is on any canvas, in pixels.
const FAR: f64 = 1e6;
/// Longest name of a layer, in characters.
const LONGEST_NAME: usize = 200;

/// What a layer is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It was drawn by hand.
    Ink,
    /// It was opened as a picture.
    Picture,
    /// The one colour under all others.
    Background,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Ink, Self::Picture, Self::Background];

    /// The word on the page.
    const fn word(self) -> &'static str {
        match self {
            Self::Ink => "ink",
            Self::Picture => "picture",
            Self::Background => "background",
        }
    }
}

/// A layer that is to be written.
pub(super) struct Line<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// What it is for us.
    pub kind: Kind,
    /// Where its picture begins, from the top left corner, in pixels.
    pub at: (u32, u32),
    /// 0 to 1.
    pub opacity: f32,
    /// Whether it is to be seen.
    pub visible: bool,
    /// Whether it is drawn on.
    pub selected: bool,
}

/// The page of a drawing of `size` with layers from bottom to top, each with the part that holds its pixels.
pub(super) fn page(size: Size, layers: &[(Line<'_>, String)]) -> String {
    let Size { width, height } = size;
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    page += &format!("<image version=\"0.0.5\" w=\"{width}\" h=\"{height}\" xmlns:afterimage=\"{SPACE}\">\n <stack>\n");
    for (line, src) in layers.iter().rev() {
        let (name, visible) = (escaped(line.name), if line.visible { "visible" } else { "hidden" });
        let selected = if line.selected { " selected=\"true\"" } else { "" };
        let ((x, y), opacity, kind) = (line.at, line.opacity, line.kind.word());
        page += &format!(
            "  <layer name=\"{name}\" src=\"{src}\" x=\"{x}\" y=\"{y}\" opacity=\"{opacity}\" visibility=\"{visible}\" \
             composite-op=\"{NORMAL}\"{selected} afterimage:kind=\"{kind}\"/>\n"
        );
    }
    page + " </stack>\n</image>\n"
}

/// A name inside quotes; what XML cannot say is a space.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Page {
    /// Width and height in pixels, which may be any.
    pub size: Size,
    /// From bottom to top, groups taken apart.
    pub layers: Vec<Entry>,
    /// What our layers cannot be, in sentences without a stop.
    pub differs: Vec<String>,
}

/// A layer on a page that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Its name for people.
    pub name: String,
    /// The part that holds its pixels.
    pub src: String,
    /// Where its picture begins, from the top left corner, in pixels.
    pub at: (i64, i64),
    /// 0 to 1.
    pub opacity: f32,
    /// Whether it is to be seen.
    pub visible: bool,
    /// Whether it is drawn on.
    pub selected: bool,
    /// What it was for us, if we wrote it.
    pub kind: Option<Kind>,
}

/// What a group passes on to what is in it.
#[derive(Clone, Copy)]
struct Group {
    at: (i64, i64),
    opacity: f32,
    visible: bool,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        // Entities are not expanded: a page that declares some is refused.
        let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
        let image = document.root_element();
        let side = |name| image.attribute(name).and_then(number).map(|side| side as u32);
        let (Some(width), Some(height)) = (side("w"), side("h")) else { return Err("it does not say its size".into()) };
        let mut page = Self { size: Size::new(width, height), layers: Vec::new(), differs: Vec::new() };
        let stack = image.children().find(|node| node.has_tag_name("stack")).ok_or("it has no layers")?;
        // What is above comes first in the file, and last out of here.
        let mut pending = vec![(stack, Group { at: (0, 0), opacity: 1.0, visible: true })];
        while let Some((node, outer)) = pending.pop() {
            page.note_blending(node);
            let inner = Group {
                at: (place(node, "x", outer.at.0), place(node, "y", outer.at.1)),
                opacity: outer.opacity
                    * node.attribute("opacity").and_then(number).map_or(1.0, |part| part.clamp(0.0, 1.0)) as f32,
                visible: outer.visible && node.attribute("visibility") != Some("hidden"),
            };
            match node.tag_name().name() {
                "stack" => {
                    let children = node.children().filter(Node::is_element);
                    if inner.opacity < outer.opacity && children.clone().count() > 1 {
                        page.differs
                            .push(format!("{} is see-through as a whole, and here each of its layers is", shown(node)));
                    }
                    pending.extend(children.map(|child| (child, inner)));
                }
                "layer" if node.attribute("src").is_some() => page.add(node, inner),
                _ => page.differs.push(format!("{} is of a kind that is not known here and was left out", shown(node))),
            }
        }
        Ok(page)
    }

    fn add(&mut self, node: Node<'_, '_>, group: Group) {
        let name = clean(node.attribute("name").unwrap_or_default());
        let kind = node.attribute((SPACE, "kind"));
        self.layers.push(Entry {
            name: if name.is_empty() { format!("Layer {}", self.layers.len() + 1) } else { name },
            src: node.attribute("src").unwrap_or_default().into(),
            at: group.at,
            opacity: group.opacity,
            visible: group.visible,
            selected: node.attribute("selected") == Some("true"),
            kind: Kind::ALL.into_iter().find(|known| kind == Some(known.word())),
        });
    }

    /// Whether a layer or a group lies over the rest in another way than ours do.
    fn note_blending(&mut self, node: Node<'_, '_>) {
        let way = node.attribute("composite-op").unwrap_or(NORMAL);
        if way != NORMAL && !PASSED_THROUGH.contains(&way) {
            let way = clean(way);
            self.differs
                .push(format!("{} is blended by “{way}”, and here it lies over the rest as any layer", shown(node)));
        }
    }
}

/// What a layer or group is called, in quotes.
fn shown(node: Node<'_, '_>) -> String {
    match clean(node.attribute("name").unwrap_or_default()) {
        name if name.is_empty() => "a layer without a name".into(),
        name => format!("“{name}”"),
    }
}

/// A name that can be shown: one line of bounded length.
fn clean(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_NAME).collect::<String>().trim().into()
}

/// Where something is whose group is at `outer`.
fn place(node: Node<'_, '_>, axis: &str, outer: i64) -> i64 {
    outer + node.attribute(axis).and_then(number).map_or(0, |value| value.round().clamp(-FAR, FAR) as i64)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}
