//! A Markdown text under construction.

/// A text, block by block.
#[derive(Debug, Default)]
pub struct Markdown(String);

impl Markdown {
    pub fn new() -> Self {
        Self::default()
    }

    fn block(&mut self, block: &str) {
        if !block.is_empty() {
            if !self.0.is_empty() {
                self.0.push_str("\n\n");
            }
            self.0.push_str(block);
        }
    }

    pub fn heading(&mut self, text: &str) {
        self.block(&format!("## {text}"));
    }

    pub fn small_heading(&mut self, text: &str) {
        self.block(&format!("### {text}"));
    }

    pub fn paragraph(&mut self, sentences: impl IntoIterator<Item = impl AsRef<str>>) {
        let sentences: Vec<String> = sentences.into_iter().map(|sentence| sentence.as_ref().to_owned()).collect();
        self.block(&sentences.join(" "));
    }

    /// A paragraph as it stands.
    pub fn text(&mut self, text: &str) {
        self.block(text);
    }

    pub fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.items(items, |_| "- ".to_owned());
    }

    pub fn steps(&mut self, items: impl IntoIterator<Item = String>) {
        self.items(items, |index| format!("{}. ", index + 1));
    }

    fn items(&mut self, items: impl IntoIterator<Item = String>, mark: impl Fn(usize) -> String) {
        let items: Vec<String> =
            items.into_iter().enumerate().map(|(index, item)| format!("{}{item}", mark(index))).collect();
        self.block(&items.join("\n"));
    }

    pub fn quote(&mut self, text: &str) {
        if !text.is_empty() {
            self.block(&format!("> {text}"));
        }
    }

    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let line = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
        let mut lines = vec![line(head.to_vec()), line(vec!["---"; head.len()])];
        lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
        self.block(&lines.join("\n"));
    }

    pub fn code(&mut self, language: &str, lines: &[String]) {
        self.block(&format!("```{language}\n{}\n```", lines.join("\n")));
    }

    pub fn finish(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}
