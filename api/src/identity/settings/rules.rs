//! What preferences may be.

use entity::enums::Theme;
use entity::identity::user;
use entity::identity::user_settings::{self, EditorSettings, NotificationSettings, RenderSettings};

use super::store;
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Committed;

/// What may be changed; none leaves it as it is. Each part is the whole of its part.
#[derive(Default)]
pub struct SettingsChanges {
    pub theme: Option<Theme>,
    pub language: Option<String>,
    pub editor: Option<EditorChanges>,
    pub render: Option<RenderChanges>,
    pub notifications: Option<NotificationChanges>,
}

/// Changes of a part, applied to what is there.
pub type EditorChanges = Box<dyn FnOnce(EditorSettings) -> EditorSettings + Send>;
pub type RenderChanges = Box<dyn FnOnce(RenderSettings) -> RenderSettings + Send>;
pub type NotificationChanges = Box<dyn FnOnce(NotificationSettings) -> NotificationSettings + Send>;

/// Changes the viewer's preferences.
pub(super) async fn update(
    request: &Request,
    expected_version: Option<i32>,
    changes: SettingsChanges,
) -> Result<Committed<user_settings::Model>> {
    if let Some(language) = &changes.language
        && checks::language(language).as_ref() != Some(language)
    {
        return Err(reject("language", Code::LocaleInvalid, "Write the language as \"en\" or \"en-US\"."));
    }
    let id = request.user_id()?;
    let mut write = request.begin_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    let before = store::lock(&write, &user).await?;
    checks::version(expected_version, before.version, Code::Conflict, "The settings changed since you read them.")?;
    let mut after = before;
    after.theme = changes.theme.unwrap_or(after.theme);
    after.language = changes.language.unwrap_or(after.language);
    if let Some(change) = changes.editor {
        after.editor_settings = check_editor(change(after.editor_settings))?;
    }
    if let Some(change) = changes.render {
        after.render_settings = check_render(change(after.render_settings))?;
    }
    if let Some(change) = changes.notifications {
        after.notification_settings = change(after.notification_settings);
    }
    let updated = store::update(&write, &user, after).await?;
    write.record(&IdentityEvent::SettingsUpdated { user: id });
    write.commit(updated).await
}

fn check_editor(editor: EditorSettings) -> Result<EditorSettings> {
    within("editor", "fontSize", editor.font_size, 6, 72)?;
    within("editor", "tabSize", editor.tab_size, 1, 16)?;
    checks::required_text("editor", &editor.key_bindings, 50, Code::SettingInvalid, Code::SettingInvalid)?;
    Ok(editor)
}

fn check_render(render: RenderSettings) -> Result<RenderSettings> {
    within("render", "autoSaveInterval", render.auto_save_interval, 1, 3_600)?;
    checks::required_text("render", &render.theme, 50, Code::SettingInvalid, Code::SettingInvalid)?;
    Ok(render)
}

fn within(part: &'static str, name: &str, number: i32, least: i32, most: i32) -> Result<()> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(reject(part, Code::SettingInvalid, format!("{name} is {number}; it goes from {least} to {most}.")))
}
