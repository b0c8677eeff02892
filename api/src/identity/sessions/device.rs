//! What a User-Agent header tells of a device, as far as a person needs it to recognise a session. It is the device's own
//! word: shown, never relied upon.

use entity::identity::session::DeviceInfo;

/// In this order: many a program also names those it is compatible with.
const APPLICATIONS: [(&str, &str); 12] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("PostmanRuntime/", "Postman"),
    ("node", "Node.js"),
];

const PLATFORMS: [(&str, &str); 8] = [
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The device behind a User-Agent header.
pub fn of_user_agent(user_agent: Option<&str>) -> DeviceInfo {
    let text = user_agent.unwrap_or_default();
    let found =
        |names: &[(&str, &str)]| names.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| (*name).to_owned());
    DeviceInfo { application: found(&APPLICATIONS), platform: found(&PLATFORMS), ..DeviceInfo::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_recognised() {
        for (user_agent, application, platform) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome",
                "macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari",
                "iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
        ] {
            let device = of_user_agent(Some(user_agent));
            assert_eq!(
                (device.application.as_deref(), device.platform.as_deref()),
                (Some(application), Some(platform))
            );
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for user_agent in [None, Some(""), Some("something else"), Some("\u{202e}eman")] {
            assert_eq!(of_user_agent(user_agent), DeviceInfo::default());
        }
    }
}
