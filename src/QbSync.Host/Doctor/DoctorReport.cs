using System.Text;
using System.Text.Json;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;

namespace QbSync.Host.Doctor;

/// <summary>Findings as lines for people, as a document for programs, and as an exit code. Pure.</summary>
internal static class DoctorReport
{
    private const int IdWidth = 16;

    public static string ToLine(DoctorLine line, Redactor redactor)
    {
        var (outcome, text, hint) = Clean(line.Finding, redactor);
        return $"{outcome,-4}  {line.Id.PadRight(IdWidth)}  {text}{(hint.Length > 0 ? $"  ({hint})" : "")}";
    }

    public static string ToJson(Roles role, IReadOnlyList<DoctorLine> lines, bool isStrict, Redactor redactor)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("role", role.ToString().ToLowerInvariant());
            json.WriteBoolean("ok", GetExitCode(lines, isStrict) == ExitCodes.Done);
            json.WriteStartArray("checks");
            foreach (var line in lines)
            {
                var (outcome, text, hint) = Clean(line.Finding, redactor);
                json.WriteStartObject();
                json.WriteString("id", line.Id);
                json.WriteString("result", outcome);
                json.WriteString("finding", text);
                json.WriteString("hint", hint.Length > 0 ? hint : null);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    public static int GetExitCode(IEnumerable<DoctorLine> lines, bool isStrict) =>
        lines.Any(line => line.Finding.Outcome == Outcome.Fail || (isStrict && line.Finding.Outcome == Outcome.Warn)) ? ExitCodes.BadAnswer : ExitCodes.Done;

    /// <summary>What others wrote, like a torrent's name or a client's answer, neither ends a line nor shows a secret.</summary>
    private static (string Outcome, string Text, string Hint) Clean(Finding finding, Redactor redactor) =>
        (finding.Outcome.ToString().ToLowerInvariant(), PlainText.Escape(redactor.Redact(finding.Text)), PlainText.Escape(redactor.Redact(finding.Hint)));
}
