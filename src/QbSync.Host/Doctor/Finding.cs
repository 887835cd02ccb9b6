namespace QbSync.Host.Doctor;

/// <summary>What came out of a check.</summary>
internal enum Outcome
{
    /// <summary>It was looked at, and is as it should be.</summary>
    Ok,

    /// <summary>It works, and a person should know.</summary>
    Warn,

    /// <summary>The role would not work.</summary>
    Fail,

    /// <summary>It could not be looked at, or does not concern this configuration.</summary>
    Skip,
}

/// <summary>What a check found.</summary>
/// <param name="Text">One sentence or two.</param>
/// <param name="Hint">What to do; empty where there is nothing to do.</param>
internal sealed record Finding(Outcome Outcome, string Text, string Hint = "")
{
    public static Finding Ok(string text) => new(Outcome.Ok, text);

    public static Finding Warn(string text, string hint) => new(Outcome.Warn, text, hint);

    public static Finding Fail(string text, string hint) => new(Outcome.Fail, text, hint);

    public static Finding Skip(string text) => new(Outcome.Skip, text);
}

/// <summary>A check's name with what it found.</summary>
internal sealed record DoctorLine(string Id, Finding Finding);
