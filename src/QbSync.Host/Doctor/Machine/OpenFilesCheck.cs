using System.Globalization;
using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Machine;

/// <summary>Whether the system lets enough files and connections be open at once.</summary>
internal sealed class OpenFilesCheck() : DoctorCheck("limits.files", Roles.Both)
{
    private const int Least = 1024;
    private const int Enough = 8192;
    private const string Limits = "/proc/self/limits";
    private const string Line = "Max open files";

    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) =>
        Task.FromResult(File.Exists(Limits) && Parse(File.ReadAllText(Limits)) is { } limit ? Judge(limit) : Finding.Skip("the system does not tell"));

    /// <summary>What may be open by the system's own table; the runtime has raised it as far as it may. Null when the line is not there.</summary>
    public static long? Parse(string limits)
    {
        var line = limits.Split('\n').FirstOrDefault(static line => line.StartsWith(Line, StringComparison.Ordinal));
        return line?[Line.Length..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) switch
        {
            ["unlimited", ..] => long.MaxValue,
            [var soft, ..] when long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };
    }

    public static Finding Judge(long limit) => limit switch
    {
        < Least => Finding.Fail($"{limit} files may be open, less than {Least}", "Raise it: ulimit -n, LimitNOFILE= of systemd, or ulimits of the container."),
        < Enough => Finding.Warn($"{limit} files may be open, less than {Enough}", "Raise it: ulimit -n, LimitNOFILE= of systemd, or ulimits of the container."),
        long.MaxValue => Finding.Ok("any number of files may be open"),
        _ => Finding.Ok($"{limit} files may be open"),
    };
}
