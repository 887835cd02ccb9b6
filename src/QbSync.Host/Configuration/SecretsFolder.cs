namespace QbSync.Host.Configuration;

/// <summary>The folder with a file for each secret, as orchestrators mount them; its files have the names of options.</summary>
internal static class SecretsFolder
{
    public const string Variable = "QBSYNC_SECRETS_DIR";

    /// <summary>The folder; null where none is named.</summary>
    public static string? Find(IReadOnlyDictionary<string, string> environment, OptionErrors errors)
    {
        if (environment.GetValueOrDefault(Variable) is not { Length: > 0 } folder)
        {
            return null;
        }

        if (!Directory.Exists(folder))
        {
            errors.Add($"{Variable}: {folder} is no folder. Mount it, or leave the variable out.");
            return null;
        }

        return Path.GetFullPath(folder);
    }
}
