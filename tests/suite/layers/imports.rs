//! What a source file names of its own crate: its imports, and the paths in its code.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, ImplItem, Item, Macro, Path, TraitItem, UseTree};

/// A path as segments, without `crate` at its front.
pub(super) type Segments = Vec<String>;

/// A `pub use`: the name that it gives, and the path that it stands for.
pub(super) struct ReExport {
    pub(super) name: String,
    pub(super) target: Segments,
}

/// The names that one file takes from its own crate. Code under `#[cfg(test)]` is left out.
#[derive(Default)]
pub(super) struct Imports {
    pub(super) paths: BTreeSet<Segments>,
    pub(super) re_exports: Vec<ReExport>,
    /// Every identifier outside of imports.
    pub(super) identifiers: BTreeSet<String>,
    /// Where the visit stands: the file's module, then the inline modules around the code.
    module: Segments,
    children: BTreeSet<String>,
}

impl Imports {
    /// Reads the imports of the module `module`, whose submodules in files are `children`.
    pub(super) fn of(source: &str, module: Segments, children: BTreeSet<String>) -> Result<Self, syn::Error> {
        let mut imports = Self { module, children, ..Self::default() };
        imports.visit_file(&syn::parse_file(source)?);
        Ok(imports)
    }

    /// Returns the path from the root of the crate, or nothing for a path of another crate.
    fn path_from_root(&self, path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.module, rest].concat()),
            "super" => {
                let levels = path.iter().take_while(|segment| *segment == "super").count();
                let parent = self.module.len().checked_sub(levels)?;
                Some([&self.module[..parent], &path[levels..]].concat())
            }
            child if self.children.contains(child) => Some([&self.module, path].concat()),
            _ => None,
        }
    }

    fn add(&mut self, path: &[String]) {
        // `self` and `crate` alone name no module here: a receiver, or a visibility.
        if let Some(path) = self.path_from_root(path).filter(|_| path.len() > 1) {
            self.paths.insert(path);
        }
    }

    fn add_tree(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |ident: &Ident| [before, &[ident.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => return self.add_tree(&path.tree, &with(&path.ident), is_public),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.add_tree(tree, before, is_public)),
            UseTree::Name(name) if name.ident == "self" => (before.to_vec(), before.last().cloned()),
            UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(rename) => (with(&rename.ident), Some(rename.rename.to_string())),
            UseTree::Glob(_) => (before.to_vec(), None),
        };
        match (name, self.path_from_root(&path)) {
            (Some(name), Some(target)) if is_public => self.re_exports.push(ReExport { name, target }),
            _ => self.add(&path),
        }
    }

    /// Reads what a macro is called with, which is no syntax tree yet.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Segments = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    self.identifiers.insert(ident.to_string());
                    if colons != 2 {
                        self.add(&std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.add(&std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        // Serde's attributes name functions and modules in strings.
                        TokenTree::Literal(literal) => self.add_literal(&literal.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.add(&path);
    }

    fn add_literal(&mut self, literal: &str) {
        if let Ok(path) = syn::parse_str::<Path>(literal.trim_matches('"')) {
            self.visit_path(&path);
        }
    }
}

/// Whether an item is compiled for unit tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| attribute.parse_args::<Ident>().is_ok_and(|argument| argument == "test");
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && is_test(attribute))
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(item) if is_for_tests(&item.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(item) if is_for_tests(&item.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let Some((_, items)) = &item.content else { return };
        self.module.push(item.ident.to_string());
        let children = std::mem::take(&mut self.children);
        for item in items {
            self.visit_item(item);
        }
        self.children = children;
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.add_tree(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Segments>());
        }
        visit::visit_path(self, path);
    }

    // `pub(in crate::…)` says who may use an item. It uses nothing itself.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.identifiers.insert(ident.to_string());
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.add_tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }
}
