using System.Text;

namespace QbSync.Host.Configuration;

/// <summary>The option part of <c>--help</c>, made from the catalog.</summary>
internal static class HelpText
{
    public static string ForRole(Roles role)
    {
        var text = new StringBuilder();
        foreach (var option in OptionCatalog.For(role))
        {
            var rest = option.IsRequired ? " Required." : option.Default.Length > 0 ? $" Default {option.Default}." : "";
            var choices = option.Choices.Count > 0 ? $" One of: {string.Join(", ", option.Choices)}." : "";
            text.AppendLine($"  --{option.Name,-20} {option.Help}{choices}{rest}");
            if (option.IsSecret)
            {
                text.AppendLine($"  --{option.Name + "-file",-20} The same, from a file.");
            }
        }

        text.AppendLine();
        text.AppendLine($"Each option may also be set by {new OptionDefinition("option-name", role, OptionKind.Text, "", "").GetEnvironmentName(role)}.");
        text.AppendLine("Units: times 250ms 30s 1h30m, sizes 512KiB 20MB 50GiB, rates 20MiB/s 200Mbit/s.");
        return text.ToString();
    }
}
