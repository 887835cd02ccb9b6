using System.Globalization;

namespace QbSync.Host.Configuration;

/// <summary>Turns what was given for an option into its value. What is not understood is an error, never another value.</summary>
internal static class OptionParser
{
    /// <summary>The value; where it is wrong, which is reported then, what an empty one gives.</summary>
    /// <param name="environmentName">For the message that it is missing.</param>
    public static object? Parse(OptionDefinition option, OptionText given, string environmentName, OptionErrors errors)
    {
        if (given.Raw.Length == 0)
        {
            if (option.IsRequired)
            {
                errors.Report(option.Name, given.Origin, "not set", $"Set the flag or {environmentName}.");
            }
            else if (!option.MayBeEmpty)
            {
                errors.Report(option.Name, given.Origin, "empty", "Give a value or leave it out.");
            }

            return GetEmpty(option);
        }

        if (ParseValue(option, given.Raw, given.Items) is not { } parsed)
        {
            errors.Report(option.Name, given.Origin, option.HidesText ? "not understood" : $"\"{given.Raw}\" is not understood", GetExpected(option));
            return GetEmpty(option);
        }

        if (parsed is IComparable value
            && ((option.Min.Length > 0 && value.CompareTo(ParseValue(option, option.Min, null)) < 0)
                || (option.Max.Length > 0 && value.CompareTo(ParseValue(option, option.Max, null)) > 0)))
        {
            errors.Report(
                option.Name, given.Origin, $"\"{given.Raw}\" is out of range", $"Use {GetLeast(option)}{(option.Max.Length > 0 ? $" to {option.Max}" : " or more")}.");
        }

        return parsed;
    }

    /// <summary>How a value of the option looks.</summary>
    public static string GetExpected(OptionDefinition option) => option.Kind switch
    {
        OptionKind.Text or OptionKind.Path => "Give a text.",
        OptionKind.List => "Give a list: the flag once for each, a variable with ; between them, or an array of texts in the file.",
        OptionKind.Url => "Give an address like http://127.0.0.1:8080, without user name or password in it.",
        OptionKind.Duration => "Give a time like 250ms, 30s or 1h30m.",
        OptionKind.Size => "Give a size like 512KiB, 20MB or 50GiB.",
        OptionKind.Rate => "Give a rate like 20MiB/s or 200Mbit/s, or 0.",
        OptionKind.Address => "Give host:port, [v6]:port, :port or port.",
        OptionKind.Integer => "Give a whole number.",
        OptionKind.Octal => "Give octal digits like 022.",
        OptionKind.Boolean => "Give true or false.",
        OptionKind.Json => "Give an array of objects in JSON, or @FILE with one.",
        OptionKind.Choice => $"Give one of: {string.Join(", ", option.Choices)}.",
    };

    private static string GetLeast(OptionDefinition option) => option.Min.Length > 0 ? option.Min : "0";

    private static object? GetEmpty(OptionDefinition option) => option.IsSecret ? default(Secret) : option.Kind switch
    {
        OptionKind.Text or OptionKind.Path or OptionKind.Choice => "",
        OptionKind.List => Array.Empty<string>(),
        OptionKind.Json => JsonEntries.None,
        OptionKind.Duration => TimeSpan.Zero,
        OptionKind.Size or OptionKind.Rate => 0L,
        OptionKind.Integer => 0,
        OptionKind.Boolean => false,
        OptionKind.Url or OptionKind.Address or OptionKind.Octal => null,
    };

    private static object? ParseValue(OptionDefinition option, string raw, IReadOnlyList<string>? items)
    {
        switch (option.Kind)
        {
            case OptionKind.Text when option.IsSecret:
                return new Secret(raw);
            case OptionKind.Text:
                return raw;
            case OptionKind.Path:
                return raw.Contains('\0', StringComparison.Ordinal) ? null : Path.GetFullPath(raw);
            case OptionKind.Url when option.IsSecret:
                return Units.TryParseUrl(raw, out _) ? new Secret(raw) : null;
            case OptionKind.Json:
                return JsonEntries.TryParse(raw);
            case OptionKind.Url:
                return Units.TryParseUrl(raw, out var url) ? url : null;
            case OptionKind.Duration:
                Units.TryParseDuration(option.PlainUnit, TimeSpan.Zero, out var unit);
                return Units.TryParseDuration(raw, unit, out var duration) ? duration : null;
            case OptionKind.Size:
                Units.TryParseSize(option.PlainUnit, 1, out var plain);
                return Units.TryParseSize(raw, plain, out var size) ? size : null;
            case OptionKind.Rate:
                return Units.TryParseRate(raw, out var rate) ? rate : null;
            case OptionKind.Address:
                return Units.TryParseAddress(raw, out var address) ? address : null;
            case OptionKind.Integer:
                return int.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
            case OptionKind.Octal:
                return raw.Length <= 4 && raw.All(static digit => digit is >= '0' and <= '7') ? Convert.ToInt32(raw, 8) : null;
            case OptionKind.Boolean:
                return raw is "true" or "1" ? true : raw is "false" or "0" ? false : null;
            case OptionKind.Choice:
                return option.Choices.Contains(raw) ? raw : null;
            case OptionKind.List:
                return items?.Where(static item => item.Trim().Length > 0).ToArray() ?? raw.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            default:
                throw new ArgumentOutOfRangeException(nameof(option), option.Kind, "Unknown kind.");
        }
    }
}

/// <summary>What was given for an option, before it is understood.</summary>
/// <param name="Items">Of a list that came as one, each; else null.</param>
internal readonly record struct OptionText(string Raw, string Origin, IReadOnlyList<string>? Items = null);
