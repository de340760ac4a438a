//! From pictures of the page, styled by classes, to SVG that carries its style: every element gets the attributes that the
//! page's style sheet would give it on a light ground, since other programs know neither its variables nor its rules.

use std::fmt::Write as _;

use roxmltree::{Document, Node};

use crate::charts::N_COLOURS;
use crate::svg::escape;

/// Colours on white: Okabe and Ito's palette and two more, and shades of it that can be read as text.
const COLOURS: [(&str, &str); N_COLOURS] = [
    ("#0072b2", "#00639c"),
    ("#d55e00", "#b24e00"),
    ("#009e73", "#00704f"),
    ("#c467a0", "#a03f7b"),
    ("#e69f00", "#8a5f00"),
    ("#7346b8", "#6437a8"),
    ("#7d6a4f", "#66553c"),
];
/// From least to most.
const RAMP: [&str; 5] = ["#c99700", "#d2602a", "#b03a6b", "#77288c", "#2a2f8c"];
const INK: &str = "#16191d";
const QUIET: &str = "#4b535c";
const AXIS: &str = "#6b747e";
const RULE: &str = "#b9bfc6";
const GRID: &str = "#e7eaed";
const SHADE: &str = "#eff1f4";

/// Size of text and of small text (px of the picture).
const TEXT: &str = "12";
const SMALL: &str = "11";

/// What an element takes over from those around it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a class of its own")]
struct Context<'a> {
    /// Colour of lines and dots, and of text.
    colours: Option<(&'a str, &'a str)>,
    butterfly: bool,
    dashed: bool,
    truth: bool,
    marked: bool,
    site: bool,
}

impl<'a> Context<'a> {
    fn within(self, classes: &[&str]) -> Self {
        let has = |name: &str| classes.contains(&name);
        let numbered = |letter: char, n: usize| (0..n).find(|i| has(&format!("{letter}{i}")));
        let colours = numbered('c', COLOURS.len())
            .map(|i| COLOURS[i])
            .or_else(|| numbered('q', RAMP.len()).map(|i| (RAMP[i], RAMP[i])))
            .or_else(|| has("truth").then_some((INK, INK)))
            .or(self.colours);
        Self {
            colours,
            butterfly: self.butterfly || has("butterfly"),
            dashed: self.dashed || has("dashed"),
            truth: self.truth || has("truth"),
            marked: self.marked || has("marked"),
            site: self.site || has("site"),
        }
    }

    fn line(self) -> &'a str {
        self.colours.map_or(INK, |colours| colours.0)
    }
}

/// The content of a picture of the page, with its style in attributes; identifiers start with `prefix`, so that several
/// pictures can stand in one file.
pub(super) fn inlined(svg: &str, prefix: &str) -> String {
    let document = Document::parse(svg).expect("pictures of the page are well-formed");
    let mut out = String::new();
    for child in document.root_element().children() {
        element(child, Context::default(), prefix, &mut out);
    }
    out
}

fn element(node: Node<'_, '_>, context: Context<'_>, prefix: &str, out: &mut String) {
    if !node.is_element() {
        return;
    }
    let classes: Vec<&str> = node.attribute("class").unwrap_or("").split_whitespace().collect();
    let tag = node.tag_name().name();
    // What only a page can use, or what would only be read aloud there.
    let is_idle = matches!(tag, "desc" | "title") || classes.contains(&"cursor") || classes.contains(&"hidden");
    let is_empty_path = tag == "path" && node.attribute("d").is_none_or(str::is_empty);
    if is_idle || is_empty_path {
        return;
    }
    let context = context.within(&classes);
    if tag == "image" {
        return image(node, prefix, out);
    }
    let _ = write!(out, "<{tag}");
    for attribute in node.attributes() {
        let value = match attribute.name() {
            "class" | "role" => continue,
            name if name.starts_with("data-") || name.starts_with("aria-") => continue,
            "id" => format!("{prefix}{}", attribute.value()),
            "clip-path" => attribute.value().replace("url(#", &format!("url(#{prefix}")),
            _ => attribute.value().to_owned(),
        };
        let _ = write!(out, " {}=\"{}\"", attribute.name(), escape(&value));
    }
    for (name, value) in style(tag, &classes, context) {
        // What the picture says itself holds.
        if node.attribute(name).is_none() {
            let _ = write!(out, " {name}=\"{value}\"");
        }
    }
    let text = if tag == "text" { node.text().unwrap_or("") } else { "" };
    let inner = node.children().filter(Node::is_element);
    if text.is_empty() && inner.clone().next().is_none() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    out.push_str(&escape(text));
    inner.for_each(|child| element(child, context, prefix, out));
    let _ = write!(out, "</{tag}>");
}

/// A square picture, cut to a circle as on the page.
fn image(node: Node<'_, '_>, prefix: &str, out: &mut String) {
    let number = |name: &str| node.attribute(name).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    let (x, y, side) = (number("x"), number("y"), number("width"));
    let (half, address) = (side / 2.0, node.attribute("href").unwrap_or(""));
    let (cx, cy) = (x + half, y + half);
    let _ = write!(
        out,
        "<clipPath id=\"{prefix}head\"><circle cx=\"{cx}\" cy=\"{cy}\" r=\"{half}\"/></clipPath>\
         <image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" clip-path=\"url(#{prefix}head)\" href=\"{address}\"/>"
    );
}

type Attributes = Vec<(&'static str, String)>;

fn style(tag: &str, classes: &[&str], context: Context<'_>) -> Attributes {
    let has = |name: &str| classes.contains(&name);
    match tag {
        "text" => text(classes, context),
        "path" if has("band") => {
            vec![
                ("fill", context.line().to_owned()),
                ("fill-opacity", "0.16".to_owned()),
                ("stroke", "none".to_owned()),
            ]
        }
        "path" => stroke(classes, context),
        "rect" if has("init") => vec![("fill", SHADE.to_owned())],
        "rect" if has("swatch") || has("part") => {
            let colour = context.line().to_owned();
            if has("swatch") && context.dashed {
                let mut all = line("#ffffff", context.line(), 2.0);
                all.push(("rx", "2".to_owned()));
                all
            } else if has("swatch") {
                vec![("fill", colour), ("rx", "2".to_owned())]
            } else {
                vec![("fill", colour)]
            }
        }
        "circle" if has("ring") => line("#ffffff", context.line(), 2.0),
        "circle" if has("subject") && context.dashed => line("#ffffff", context.line(), 1.75),
        "circle" if has("subject") => {
            let mut all = line(context.line(), "#ffffff", 1.0);
            all.push(("fill-opacity", "0.8".to_owned()));
            all
        }
        "circle" if context.marked => line("none", INK, 2.5),
        "circle" if context.site => line("none", QUIET, 1.0),
        _ => Vec::new(),
    }
}

fn line(fill: &str, stroke: &str, width: f64) -> Attributes {
    vec![("fill", fill.to_owned()), ("stroke", stroke.to_owned()), ("stroke-width", width.to_string())]
}

fn text(classes: &[&str], context: Context<'_>) -> Attributes {
    let has = |name: &str| classes.contains(&name);
    let fill = if has("name") {
        context.colours.map_or(INK, |colours| colours.1)
    } else if has("tick") || has("axis-name") || has("mark") || (has("small") && !has("value")) {
        QUIET
    } else {
        INK
    };
    let mut all = vec![("font-size", if has("small") { SMALL } else { TEXT }.to_owned()), ("fill", fill.to_owned())];
    if has("name") && !has("quiet") || has("title") {
        all.push(("font-weight", "bold".to_owned()));
    }
    if has("halo") {
        all.push(("stroke", "#ffffff".to_owned()));
        all.push(("stroke-width", "3".to_owned()));
        all.push(("stroke-linejoin", "round".to_owned()));
        all.push(("paint-order", "stroke".to_owned()));
    }
    all
}

fn stroke(classes: &[&str], context: Context<'_>) -> Attributes {
    let has = |name: &str| classes.contains(&name);
    let butt = ("stroke-linecap", "butt".to_owned());
    let dashes = |pattern: &str| ("stroke-dasharray", pattern.to_owned());
    let mut all = match () {
        () if has("grid") => line("none", GRID, 1.0),
        () if has("zero") => line("none", RULE, 1.25),
        () if has("axis") => line("none", AXIS, 1.0),
        () if has("onset") => [line("none", QUIET, 1.0), vec![dashes("2 3"), butt]].concat(),
        () if has("bracket") => [line("none", QUIET, 1.0), vec![butt]].concat(),
        // Where dots are few, a halo as wide as the page's would hide those that lie in the interval.
        () if has("halo-line") && !has("interval") => [line("none", "#ffffff", 5.0), vec![butt]].concat(),
        () if has("mean") || has("interval") => [line("none", INK, 2.5), vec![butt]].concat(),
        () if has("join") => line("none", RULE, 1.0),
        () if has("head") => line("none", INK, 1.5),
        () if has("sensors") => [line("none", INK, 1.6), vec![("stroke-opacity", "0.4".to_owned())]].concat(),
        () if has("significant") => line("none", INK, 5.0),
        () if has("secondary") => [line("none", context.line(), 1.5), vec![dashes("2 4")]].concat(),
        () if has("line") && context.butterfly => {
            [line("none", context.line(), 0.75), vec![("stroke-opacity", "0.6".to_owned())]].concat()
        }
        () if has("line") => line("none", context.line(), if context.truth { 1.75 } else { 2.0 }),
        () => line("none", INK, 1.0),
    };
    if has("line") && context.dashed && !has("secondary") {
        all.push(dashes("7 4"));
    }
    let has_cap = all.iter().any(|(name, _)| *name == "stroke-linecap");
    all.push(("stroke-linejoin", "round".to_owned()));
    if !has_cap {
        all.push(("stroke-linecap", "round".to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_carry_their_style_and_what_only_pages_use_is_gone() {
        let svg = "<svg role=\"img\" aria-label=\"x\"><desc>x</desc><g class=\"m1 c1 dashed\"><path class=\"line\" d=\"M0 0L1 1\" \
                   data-trace=\"1\"/><text class=\"name\" x=\"1\" y=\"2\" text-anchor=\"start\">a &lt; b<title>long</title></text>\
                   </g><path class=\"cursor\" d=\"M0 0V1\"/><path class=\"line\" d=\"\" data-butterfly=\"0 1\"/></svg>";
        assert_eq!(
            inlined(svg, "p-"),
            "<g><path d=\"M0 0L1 1\" fill=\"none\" stroke=\"#d55e00\" stroke-width=\"2\" stroke-dasharray=\"7 4\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/><text x=\"1\" y=\"2\" text-anchor=\"start\" font-size=\"12\" \
             fill=\"#b24e00\" font-weight=\"bold\">a &lt; b</text></g>"
        );
    }

    #[test]
    fn identifiers_get_a_prefix_and_pictures_a_circle() {
        let svg = "<svg><clipPath id=\"a\"><rect x=\"0\" y=\"0\" width=\"1\" height=\"1\"/></clipPath><g clip-path=\"url(#a)\">\
                   <image x=\"2\" y=\"4\" width=\"10\" height=\"10\" href=\"data:,\"/></g></svg>";
        let out = inlined(svg, "k-");
        assert!(out.contains("<clipPath id=\"k-a\">") && out.contains("clip-path=\"url(#k-a)\""), "{out}");
        assert!(out.contains("<circle cx=\"7\" cy=\"9\" r=\"5\"/>") && out.contains("url(#k-head)"), "{out}");
    }
}
