using System.Globalization;
using System.Security;
using System.Text;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>A drawing that grows piece by piece.</summary>
internal sealed class Svg
{
    private readonly StringBuilder _body = new();

    /// <summary>The whole document.</summary>
    public string Finish(double width, double height) =>
        $"""
        <svg xmlns="http://www.w3.org/2000/svg" width="{N(width)}" height="{N(height)}" viewBox="0 0 {N(width)} {N(height)}" font-family="Inter, Helvetica, Arial, sans-serif">
        <rect width="100%" height="100%" fill="#111217"/>
        {_body}</svg>

        """.ReplaceLineEndings("\n");

    public void Box(double x, double y, double width, double height, string fill, double round = 0, double opacity = 1) => Add(
        $"<rect x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(width)}\" height=\"{N(height)}\" rx=\"{N(round)}\" fill=\"{fill}\"{(opacity < 1 ? $" fill-opacity=\"{N(opacity)}\"" : "")}/>");

    public void Rule(double x, double y, double width) => Add($"<path d=\"M{N(x)} {N(y)}h{N(width)}\" stroke=\"#2c3235\" stroke-width=\"1\"/>");

    public void Line(IEnumerable<(double X, double Y)> points, string color) =>
        Add($"<path d=\"{Path(points)}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" stroke-linejoin=\"round\"/>");

    public void Area(IReadOnlyList<(double X, double Y)> top, IEnumerable<(double X, double Y)> bottom, string color) =>
        Add($"<path d=\"{Path(top.Concat(bottom.Reverse()))}Z\" fill=\"{color}\" fill-opacity=\"0.4\"/>");

    /// <param name="anchor">start, middle or end.</param>
    public void Text(double x, double y, string text, int size = 13, string color = "#ccccdc", string anchor = "start", bool isBold = false) => Add(
        $"<text x=\"{N(x)}\" y=\"{N(y)}\" font-size=\"{size}\" fill=\"{color}\"{(anchor == "start" ? "" : $" text-anchor=\"{anchor}\"")}{(isBold ? " font-weight=\"600\"" : "")}>{SecurityElement.Escape(text)}</text>");

    /// <summary>About how wide a text is.</summary>
    public static double WidthOf(string text, int size = 13) => text.Length * size * 0.54;

    /// <summary>The text, or as much of it as fits.</summary>
    public static string Fit(string text, double width, int size = 13)
    {
        var most = Math.Max(1, (int)(width / (size * 0.54)));
        return text.Length <= most ? text : text[..Math.Max(1, most - 1)] + "…";
    }

    private static string Path(IEnumerable<(double X, double Y)> points) =>
        string.Concat(points.Select(static (point, number) => $"{(number == 0 ? 'M' : 'L')}{N(point.X)} {N(point.Y)}"));

    private static string N(double value) => Math.Round(value, 1).ToString(CultureInfo.InvariantCulture);

    private void Add(string element) => _body.Append(element).Append('\n');
}
