namespace QbSync.Host.Configuration;

/// <summary>A value that is shown to nobody: as text it is <c>***</c>, and no serialiser finds anything in it.</summary>
internal readonly struct Secret(string? value)
{
    private readonly string? _value = value;

    public bool IsEmpty => string.IsNullOrEmpty(_value);

    /// <summary>The value itself, for the one who has to present it.</summary>
    public string Reveal() => _value ?? "";

    public override string ToString() => IsEmpty ? "" : "***";
}
