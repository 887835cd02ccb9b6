namespace QbSync.Testing.Specifications;

/// <summary>Says that a test is one of the numbered cases of the host's specification; a test may be several of them.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class HostCaseAttribute(int number) : PropertyAttribute("HostCase", number)
{
    /// <summary>Highest case of the specification.</summary>
    public const int Last = 51;

    /// <summary>The case, from 1 to <see cref="Last"/>.</summary>
    public int Number { get; } = number;
}
