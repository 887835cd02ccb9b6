namespace QbSync;

/// <summary>
/// A value that is swapped whole while others read it: options that a reload changes. Who decides several things by it takes <see cref="Current"/> once.
/// Thread-safe.
/// </summary>
internal sealed class Live<T>(T first)
    where T : class
{
    private volatile T _current = first;

    /// <summary>The value in force.</summary>
    public T Current => _current;

    /// <summary>For a value that nobody will change.</summary>
    public static implicit operator Live<T>(T value) => new(value);

    /// <summary>Puts another in its place; from now on it is immutable.</summary>
    public void Replace(T next) => _current = next;
}
