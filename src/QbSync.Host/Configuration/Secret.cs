namespace QbSync.Host.Configuration;

/// <summary>A value that is shown to nobody: as text it is <c>***</c>, and no serialiser finds anything in it.</summary>
internal readonly struct Secret(string? value)
{
    private readonly string? _value = value;

    public bool IsEmpty => string.IsNullOrEmpty(_value);

    /// <summary>A secret file's content, without the line end that editors put there.</summary>
    public static string ReadFile(string path) => File.ReadAllText(path).TrimEnd('\r', '\n');

    /// <summary>The value itself, for the one who has to present it.</summary>
    public string Reveal() => _value ?? "";

    public override string ToString() => IsEmpty ? "" : "***";
}
