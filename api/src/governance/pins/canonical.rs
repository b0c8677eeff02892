//! Canonical JSON as in RFC 8785: no spaces, names in the order of their UTF-16 units, numbers as ECMAScript writes them.

use serde_json::{Number, Value};

/// The one way to write this value. The RFC knows doubles only and leaves larger integers open: they are written in full,
/// so that two different ones never have the same hash.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, (name, field)) in fields.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(name, text);
                text.push(':');
                write(field, text);
            }
            text.push('}');
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for sign in string.chars() {
        match sign {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// ECMAScript's Number::toString: the shortest digits that read back as the same double, in its own layout.
fn write_number(number: &Number, text: &mut String) {
    let is_exact = |integer: u64| integer <= 1 << 53;
    if !number.is_f64() && !number.as_i64().map(i64::unsigned_abs).or(number.as_u64()).is_some_and(is_exact) {
        text.push_str(&number.to_string());
        return;
    }
    let number = number.as_f64().unwrap_or(f64::NAN);
    if number == 0.0 || !number.is_finite() {
        // JSON holds no number that is not finite.
        text.push('0');
        return;
    }
    if number < 0.0 {
        text.push('-');
    }
    // `{:e}` writes the shortest digits as d.ddde±x.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (length, point) = (digits.len(), exponent + 1);
    match usize::try_from(point) {
        Ok(point) if length <= point && point <= 21 => {
            text.push_str(&digits);
            text.extend(std::iter::repeat_n('0', point - length));
        }
        Ok(point) if 0 < point && point <= 21 => {
            text.push_str(&digits[..point]);
            text.push('.');
            text.push_str(&digits[point..]);
        }
        _ if -6 < point && point <= 0 => {
            text.push_str("0.");
            text.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
            text.push_str(&digits);
        }
        _ => {
            text.push_str(&digits[..1]);
            if length > 1 {
                text.push('.');
                text.push_str(&digits[1..]);
            }
            text.push_str(&format!("e{}{}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        // The examples of RFC 8785, appendix B.
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
        ] {
            assert_eq!(canonical(&json!(f64::from_bits(bits))), expected);
        }
        assert_eq!(canonical(&json!([1, 1.0, 100, 4.50, 2e-3])), "[1,1,100,4.5,0.002]");
        assert_eq!(canonical(&json!([9_007_199_254_740_993_u64, i64::MIN])), "[9007199254740993,-9223372036854775808]");
    }

    #[test]
    fn names_are_in_the_order_of_their_utf_16_units() {
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn texts_escape_what_they_must_and_nothing_else() {
        let value = json!({"literals": [null, true, false], "string": "\u{20ac}$\u{f}\nA'B\"\\/\u{7f}"});
        let expected = "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\/\u{7f}\"}";
        assert_eq!(canonical(&value), expected);
    }
}
