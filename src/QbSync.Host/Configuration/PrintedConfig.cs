using System.Text;
using QbSync.Host.Logging;

namespace QbSync.Host.Configuration;

/// <summary>What <c>--print-config</c> shows: each option, its value in force, and where that is from. Secrets are <c>***</c>.</summary>
internal static class PrintedConfig
{
    public static string Format(RoleSettings settings)
    {
        var text = new StringBuilder();
        var width = settings.Values.All.Max(static value => value.Definition.Name.Length);
        foreach (var value in settings.Values.All)
        {
            var shown = value.Definition.Name == "state-dir" ? settings.StateDirectory : value.Raw;
            text.Append(value.Definition.Name.PadRight(width)).Append("  ").Append(PlainText.Escape(shown)).Append("  (").Append(PlainText.Escape(value.Origin)).AppendLine(")");
        }

        return text.ToString();
    }
}
