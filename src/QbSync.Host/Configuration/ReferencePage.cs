using System.Text;

namespace QbSync.Host.Configuration;

/// <summary>The page that describes every option, made from the catalog.</summary>
internal static class ReferencePage
{
    /// <summary>Where it is kept in the repository.</summary>
    public const string Path = "docs/configuration.md";

    private const string Introduction = """
        # Configuration

        This page is made from the program's own catalog of options by `./qbsync reference docs`; a test fails when they differ.

        ## Where values come from

        Highest first; what is set at one place beats all below, also when it is empty or equal to the default.

        1. The flag `--NAME`.
        2. The variable `QBSYNC_SOURCE_NAME` or `QBSYNC_DESTINATION_NAME`, in upper case, with `_` for `-`.
        3. Variables that orchestrators set, where an empty one counts as not set: `HTTP_PORT`, then `HEALTH_PORT`, for `health-addr`; `GRPC_PORT`, then `PORT`, for
           `listen`. A port `P` means `:P`; a value that begins with `tcp://` is a service link and ignored.
        4. The configuration file and the folder of secrets.
        5. The default.

        `qbsync source --print-config` and `qbsync destination --print-config` show each option, its value in force, and where that is from.

        Everything that is wrong is told at once, a line each, and the program ends with exit code 2 before anything was made. A name that no option has, in the file
        or as a variable of the running role, is wrong too; variables that Kubernetes makes for a service (`*_SERVICE_*`, `*_PORT`, `*_PORT_*`) are ignored.

        ## The file

        The one that `--config` names, else `QBSYNC_CONFIG`, else the first of `$XDG_CONFIG_HOME/qbsync/qbsync.json` (`~/.config` where that is not set) and
        `/etc/qbsync/qbsync.json` that is there. JSON with comments, an object for each role, with the names of options as keys:

        ```json
        {
          "$schema": "./config.schema.json",
          // Only the object of the running role is read.
          "source": {
            "data": "/srv/torrents",
            "qb-url": "http://127.0.0.1:8080",
            "destination-addr": "nas:50051",
            "rate-limit": "20MiB/s",
            "exclude-category": ["tmp", "private/*"],
            "verify-announce": true
          }
        }
        ```

        `config.schema.json`, beside this page, lets editors complete and check it.

        ## Secrets

        A secret `NAME` is best given by `--NAME-file`, the variable `.._NAME_FILE`, the key `NAME-file`, or as a file called `NAME` in the folder that
        `QBSYNC_SECRETS_DIR` names; an end of line at its end is cut. `--NAME` itself works and leaves a warning, since lists of processes show it. The same secret given
        twice at one level is an error.

        ## Values

        | kind | looks like |
        |---|---|
        | time | `250ms`, `30s`, `1h30m`, `2d`; a plain number counts the unit in brackets |
        | size | `512KiB`, `50GiB`, `20MB`; a plain number counts the unit in brackets |
        | rate | `20MiB/s`, `200Mbit/s`; 0 is no limit; a plain number counts bytes a second |
        | address | `host:port`, `[v6]:port`, `:port`, `port` |
        | yes or no | `true`, `false`, `1`, `0`; a flag alone means `true` |
        | list | the flag once for each, `;` between them in a variable, an array of texts in the file |
        | objects | an array of objects; as a flag or in a variable as JSON, or `@FILE` with it |

        ## Reload

        SIGHUP lets a running role read file and secrets anew; flags and variables stay as they were. It is all or nothing: when anything is wrong, that is logged and
        everything stays. Options marked R are in force within a second; for others the log says that they need a restart. A tag that is renamed is set from then on,
        and not taken off where it was set before. Filters decide anew about torrents of which nothing is at the destination yet. With another path-map torrents are
        placed by it when they are looked at the next time.

        """;

    public static string Make()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        AppendTable(text, "Both roles", OptionCatalog.All.Where(static option => option.Roles == Roles.Both));
        AppendTable(text, "Source", OptionCatalog.All.Where(static option => option.Roles == Roles.Source));
        AppendTable(text, "Destination", OptionCatalog.All.Where(static option => option.Roles == Roles.Destination));
        foreach (var option in OptionCatalog.All.Where(static option => option.Keys.Count > 0))
        {
            AppendKeys(text, option);
        }

        return text.ToString();
    }

    private static void AppendKeys(StringBuilder text, OptionDefinition option)
    {
        text.Append("\n## Keys of `").Append(option.Name).Append("`\n\n| key | value | |\n|---|---|---|\n");
        foreach (var key in option.Keys)
        {
            var value = key.Kind switch
            {
                EntryKind.Text => key.Choices.Count > 0 ? string.Join(", ", key.Choices.Select(static choice => $"`{choice}`")) : "text",
                EntryKind.Url => "url",
                EntryKind.File => "path",
                EntryKind.Texts => key.Choices.Count > 0 ? $"list of {string.Join(", ", key.Choices.Select(static choice => $"`{choice}`"))}" : "list",
            };
            text.Append("| `").Append(key.Name).Append("` | ").Append(value).Append(" | ").Append(key.Help).Append(" |\n");
        }
    }

    private static void AppendTable(StringBuilder text, string title, IEnumerable<OptionDefinition> options)
    {
        text.Append("\n## ").Append(title).Append("\n\n| option | kind | default | |\n|---|---|---|---|\n");
        foreach (var option in options)
        {
            text.Append("| `").Append(option.Name).Append("` | ").Append(DescribeKind(option)).Append(" | ").Append(DescribeDefault(option)).Append(" | ")
                .Append(option.Help.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)).Append(DescribeRange(option)).Append(" |\n");
        }
    }

    private static string DescribeKind(OptionDefinition option)
    {
        var kind = option.IsSecret ? "secret" : option.Kind switch
        {
            OptionKind.Text => "text",
            OptionKind.Path => "path",
            OptionKind.Url => "url",
            OptionKind.Duration => "time",
            OptionKind.Size => "size",
            OptionKind.Rate => "rate",
            OptionKind.Address => "address",
            OptionKind.Integer => "number",
            OptionKind.Octal => "octal digits",
            OptionKind.Boolean => "yes or no",
            OptionKind.Choice => string.Join(", ", option.Choices.Select(static choice => $"`{choice}`")),
            OptionKind.List => "list",
            OptionKind.Json => "objects",
        };
        var unit = option.Kind is OptionKind.Duration or OptionKind.Size ? $" [{option.PlainUnit.TrimStart('1')}]" : "";
        return $"{kind}{unit}{(option.IsReloadable ? " R" : "")}";
    }

    private static string DescribeDefault(OptionDefinition option) => option.IsRequired ? "required" : option.Default.Length == 0 ? "-" : $"`{option.Default}`";

    private static string DescribeRange(OptionDefinition option) => (option.Min, option.Max) switch
    {
        ({ Length: > 0 } min, { Length: > 0 } max) => $" `{min}` to `{max}`.",
        ({ Length: > 0 } min, _) => $" `{min}` or more.",
        (_, { Length: > 0 } max) => $" At most `{max}`.",
        _ => "",
    };
}
