namespace QbSync.Storage.State;

/// <summary>A record's name in parts. Made by callers, never from input, yet checked: it becomes a path.</summary>
/// <param name="Folder">No part, or one.</param>
/// <param name="File">Name without suffix.</param>
internal readonly record struct RecordName(string[] Folder, string File)
{
    /// <summary>Takes a name apart.</summary>
    /// <exception cref="ArgumentException">It holds something else than letters, digits, dashes, dots inside, and one slash.</exception>
    public static RecordName Parse(string name) => name.Split('/') switch
    {
        [var file] when IsPart(file) => new RecordName([], file),
        [var folder, var file] when IsPart(folder) && IsPart(file) => new RecordName([folder], file),
        _ => throw new ArgumentException($"'{name}' is no name of a record.", nameof(name)),
    };

    private static bool IsPart(string part) =>
        part.Length is > 0 and <= 200 && part[0] != '.' && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');
}
