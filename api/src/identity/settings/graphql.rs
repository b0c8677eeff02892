//! Preferences as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use entity::enums::{RenderFormat, Theme};
use entity::identity::user_settings::{self, EditorSettings, NotificationSettings, RenderSettings};
use entity::ids::UserId;

use super::rules::{self, EditorChanges, NotificationChanges, RenderChanges, SettingsChanges};
use super::store::Settings;
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};

/// Your preferences.
pub struct UserSettings(Arc<user_settings::Model>);

impl From<user_settings::Model> for UserSettings {
    fn from(row: user_settings::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl UserSettings {
    pub async fn of_viewer(request: &Request, id: UserId) -> Result<Option<Self>> {
        Ok(request.load::<Settings>(id).await?.map(Self))
    }
}

/// Your preferences.
#[Object]
impl UserSettings {
    /// The colors of the interface.
    async fn theme(&self) -> Theme {
        self.0.theme
    }

    /// The language of the interface, such as "en".
    async fn language(&self) -> &str {
        &self.0.language
    }

    /// How the editor looks and behaves.
    async fn editor(&self) -> &EditorSettings {
        &self.0.editor_settings
    }

    /// How documents are rendered and saved.
    async fn render(&self) -> &RenderSettings {
        &self.0.render_settings
    }

    /// What you are told of, and where.
    async fn notifications(&self) -> &NotificationSettings {
        &self.0.notification_settings
    }

    /// Counts the changes of your preferences; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Changes of how the editor looks and behaves. What is left out stays as it is.
#[derive(InputObject)]
struct EditorSettingsInput {
    /// The size of the text, 6 to 72 points.
    font_size: Option<i32>,
    /// How many columns a tab takes, 1 to 16.
    tab_size: Option<i32>,
    /// Whether long lines are wrapped.
    word_wrap: Option<bool>,
    /// Whether lines are numbered.
    line_numbers: Option<bool>,
    /// Whether code is colored.
    syntax_highlighting: Option<bool>,
    /// Whether completions are offered while typing.
    auto_complete: Option<bool>,
    /// Whether the editor works like Vim.
    vim_mode: Option<bool>,
    /// The name of the set of key bindings, up to 50 characters.
    key_bindings: Option<String>,
}

/// Changes of how documents are rendered and saved. What is left out stays as it is.
#[derive(InputObject)]
struct RenderSettingsInput {
    /// The format a new document is rendered in.
    default_format: Option<RenderFormat>,
    /// Whether changes are saved without being asked to.
    auto_save: Option<bool>,
    /// How long after a change it is saved, 1 to 3,600 seconds.
    auto_save_interval: Option<i32>,
    /// Whether a rendering begins with a table of contents.
    include_toc: Option<bool>,
    /// Whether a rendering carries its style sheet.
    include_styles: Option<bool>,
    /// The name of the style sheet, up to 50 characters.
    theme: Option<String>,
}

/// Changes of what you are told of, and where. What is left out stays as it is.
#[derive(InputObject)]
struct NotificationSettingsInput {
    /// Whether notifications are sent by e-mail.
    email: Option<bool>,
    /// Whether notifications are shown in the browser.
    browser: Option<bool>,
    /// Whether to tell when a document is shared with you.
    document_shared: Option<bool>,
    /// Whether to tell about news of this server.
    system_updates: Option<bool>,
}

/// Changes of your preferences. What is left out stays as it is.
#[derive(InputObject)]
struct SettingsUpdateInput {
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The colors of the interface.
    theme: Option<Theme>,
    /// The language of the interface, such as "en" or "en-US".
    language: Option<String>,
    /// How the editor looks and behaves.
    editor: Option<EditorSettingsInput>,
    /// How documents are rendered and saved.
    render: Option<RenderSettingsInput>,
    /// What you are told of, and where.
    notifications: Option<NotificationSettingsInput>,
}

impl From<EditorSettingsInput> for EditorChanges {
    fn from(input: EditorSettingsInput) -> Self {
        Box::new(move |old| EditorSettings {
            font_size: input.font_size.unwrap_or(old.font_size),
            tab_size: input.tab_size.unwrap_or(old.tab_size),
            word_wrap: input.word_wrap.unwrap_or(old.word_wrap),
            line_numbers: input.line_numbers.unwrap_or(old.line_numbers),
            syntax_highlighting: input.syntax_highlighting.unwrap_or(old.syntax_highlighting),
            auto_complete: input.auto_complete.unwrap_or(old.auto_complete),
            vim_mode: input.vim_mode.unwrap_or(old.vim_mode),
            key_bindings: input.key_bindings.unwrap_or(old.key_bindings),
        })
    }
}

impl From<RenderSettingsInput> for RenderChanges {
    fn from(input: RenderSettingsInput) -> Self {
        Box::new(move |old| RenderSettings {
            default_format: input.default_format.unwrap_or(old.default_format),
            auto_save: input.auto_save.unwrap_or(old.auto_save),
            auto_save_interval: input.auto_save_interval.unwrap_or(old.auto_save_interval),
            include_toc: input.include_toc.unwrap_or(old.include_toc),
            include_styles: input.include_styles.unwrap_or(old.include_styles),
            theme: input.theme.unwrap_or(old.theme),
        })
    }
}

impl From<NotificationSettingsInput> for NotificationChanges {
    fn from(input: NotificationSettingsInput) -> Self {
        Box::new(move |old| NotificationSettings {
            email: input.email.unwrap_or(old.email),
            browser: input.browser.unwrap_or(old.browser),
            document_shared: input.document_shared.unwrap_or(old.document_shared),
            system_updates: input.system_updates.unwrap_or(old.system_updates),
        })
    }
}

payload! {
    /// What changing your preferences ended with.
    SettingsUpdatePayload {
        /// Your preferences, also after a CONFLICT; null when they were refused for another reason.
        settings: UserSettings, IdentityErrorCode
    }
}

/// Changes of preferences.
#[derive(Default)]
pub struct SettingsMutation;

#[Object]
impl SettingsMutation {
    /// Changes your preferences.
    async fn settings_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: SettingsUpdateInput,
    ) -> Result<SettingsUpdatePayload> {
        let request = ctx.request();
        let changes = SettingsChanges {
            theme: input.theme,
            language: input.language,
            editor: input.editor.map(Into::into),
            render: input.render.map(Into::into),
            notifications: input.notifications.map(Into::into),
        };
        let result = rules::update(request, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(UserSettings::from);
        if outcome.refused_as(IdentityErrorCode::Conflict) {
            outcome.object = UserSettings::of_viewer(request, request.user_id()?).await?;
        }
        Ok(outcome.into())
    }
}
