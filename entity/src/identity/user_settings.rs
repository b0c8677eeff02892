//! A user's preferences; one row for each user.

use async_graphql::SimpleObject;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{RenderFormat, Theme};
use crate::ids::UserId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "user_settings", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    pub theme: Theme,
    pub language: String,
    pub editor_settings: EditorSettings,
    pub render_settings: RenderSettings,
    pub notification_settings: NotificationSettings,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// How the editor looks and behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct EditorSettings {
    /// The size of the text, in points.
    pub font_size: i32,
    /// How many columns a tab takes.
    pub tab_size: i32,
    /// Whether long lines are wrapped.
    pub word_wrap: bool,
    /// Whether lines are numbered.
    pub line_numbers: bool,
    /// Whether code is coloured.
    pub syntax_highlighting: bool,
    /// Whether completions are offered while typing.
    pub auto_complete: bool,
    /// Whether the editor works like Vim.
    pub vim_mode: bool,
    /// The name of the set of key bindings.
    pub key_bindings: String,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self {
            font_size: 14,
            tab_size: 4,
            word_wrap: true,
            line_numbers: true,
            syntax_highlighting: true,
            auto_complete: true,
            vim_mode: false,
            key_bindings: "default".to_owned(),
        }
    }
}

/// How documents are rendered and saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct RenderSettings {
    /// The format a new document is rendered in.
    pub default_format: RenderFormat,
    /// Whether changes are saved without being asked to.
    pub auto_save: bool,
    /// How long after a change it is saved, in seconds.
    pub auto_save_interval: i32,
    /// Whether a rendering begins with a table of contents.
    pub include_toc: bool,
    /// Whether a rendering carries its style sheet.
    pub include_styles: bool,
    /// The name of the style sheet.
    pub theme: String,
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self {
            default_format: RenderFormat::Html,
            auto_save: true,
            auto_save_interval: 30,
            include_toc: true,
            include_styles: true,
            theme: "github".to_owned(),
        }
    }
}

/// What a user wants to be told about, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct NotificationSettings {
    /// Whether notifications are sent by e-mail.
    pub email: bool,
    /// Whether notifications are shown in the browser.
    pub browser: bool,
    /// Whether to tell when a document is shared with the user.
    pub document_shared: bool,
    /// Whether to tell about news of this server.
    pub system_updates: bool,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self { email: true, browser: true, document_shared: true, system_updates: true }
    }
}
