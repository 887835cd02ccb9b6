using System.Diagnostics.CodeAnalysis;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>Files below a folder by their path with slashes; nothing of ours that is hidden.</summary>
internal sealed class RigFiles(string root)
{
    public static EnumerationOptions Everything { get; } = new() { RecurseSubdirectories = true, AttributesToSkip = 0 };

    public int Count => Keys.Length;

    public string[] Keys =>
    [
        .. Directory.GetFiles(root, "*", Everything)
            .Select(path => Path.GetRelativePath(root, path))
            .Where(static path => !path.StartsWith(".qbsync/", StringComparison.Ordinal)
                && !path.EndsWith(".qbsync-part", StringComparison.Ordinal) && !path.EndsWith(".parts", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Bytes of a file. Setting makes it, or writes into it as a user would.</summary>
    public byte[] this[string path]
    {
        get => File.ReadAllBytes(Path.Combine(root, path));
        set
        {
            var full = Path.Combine(root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllBytes(full, value);
        }
    }

    public bool ContainsKey(string path) => File.Exists(Path.Combine(root, path));

    public bool TryGetValue(string path, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = ContainsKey(path) ? this[path] : null;
        return bytes is not null;
    }

    public void Remove(string path) => File.Delete(Path.Combine(root, path));

    public void Clear() => Array.ForEach(Keys, Remove);
}
