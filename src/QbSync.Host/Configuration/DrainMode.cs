namespace QbSync.Host.Configuration;

/// <summary>When a source that is told to stop hands everything over first.</summary>
internal enum DrainMode
{
    /// <summary>When an annotation of its own pod says so.</summary>
    Annotation,

    /// <summary>Each time.</summary>
    Always,

    /// <summary>At no time.</summary>
    Never,
}
