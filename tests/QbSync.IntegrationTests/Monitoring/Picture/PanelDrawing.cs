using System.Text.Json;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>Draws rows of the dashboard where it says that they are, each panel as its type is.</summary>
internal sealed class PanelDrawing(Svg svg)
{
    private const double Column = 50;
    private const double Line = 34;
    private const double Gap = 6;
    private const string Green = "#73bf69";

    /// <param name="frames">Panels of whole rows.</param>
    /// <param name="hidden">A folder whose name is left out.</param>
    /// <returns>The drawing.</returns>
    public static string Draw(IEnumerable<Frame> frames, string hidden)
    {
        var svg = new Svg();
        var drawing = new PanelDrawing(svg);
        double y = Gap;
        foreach (var row in frames.Select(frame => Hide(frame, hidden)).GroupBy(static frame => frame.Panel.Row))
        {
            svg.Text(12, y + 20, row.Key, 16, isBold: true);
            y += 30;
            var first = row.Min(static frame => Grid(frame, "y"));
            foreach (var frame in row)
            {
                drawing.Panel(frame, new Place(
                    (Grid(frame, "x") * Column) + Gap, y + ((Grid(frame, "y") - first) * Line), (Grid(frame, "w") * Column) - Gap, (Grid(frame, "h") * Line) - Gap));
            }

            y += (row.Max(static frame => Grid(frame, "y") + Grid(frame, "h")) - first) * Line;
        }

        return svg.Finish((24 * Column) + Gap, y + Gap);
    }

    private void Panel(Frame frame, Place place)
    {
        svg.Box(place.X, place.Y, place.Width, place.Height, "#181b1f", 3);
        svg.Text(place.X + 12, place.Y + 21, Svg.Fit(frame.Panel.Title, place.Width - 20, 14), 14, isBold: true);
        var inner = new Place(place.X, place.Y + 30, place.Width, place.Height - 34);
        switch (frame.Panel.Type)
        {
            case "stat":
                Stat(frame, inner);
                break;
            case "bargauge":
                Bars(frame, inner);
                break;
            case "table":
                Table(frame, inner);
                break;
            case "state-timeline":
                States(frame, inner);
                break;
            default:
                new Chart(svg, frame, inner).Draw();
                break;
        }
    }

    private void Stat(Frame frame, Place place)
    {
        var curves = frame.Curves.ToList();
        var isLarge = curves.Count <= 2;
        var isBeside = place.Width > 300;
        for (var i = 0; i < curves.Count; i++)
        {
            var (text, color) = Mapped(frame, curves[i]);
            var name = curves.Count > 1 ? curves[i].Name : "";
            var height = place.Height / (isBeside ? 1 : curves.Count);
            var middle = (X: place.X + (place.Width * (isBeside ? (i + 0.5) / curves.Count : 0.5)), Y: place.Y + (height * ((isBeside ? 0 : i) + 0.5)));
            if (isLarge)
            {
                svg.Text(middle.X, middle.Y - (isBeside ? 26 : 8), name, 13, "#9fa7b3", "middle");
                svg.Text(middle.X, middle.Y + 18, text, isBeside || name.Length == 0 ? 30 : 24, color, "middle", isBold: true);
            }
            else
            {
                svg.Text(place.X + 12, middle.Y + 5, Svg.Fit(name, place.Width - 60), 13, "#9fa7b3");
                svg.Text(place.X + place.Width - 12, middle.Y + 6, text, 17, color, "end", isBold: true);
            }
        }
    }

    private void Bars(Frame frame, Place place)
    {
        var now = frame.Curves.Where(curve => curve.Samples[^1].At > frame.Until - frame.Gap).ToList();
        var height = Math.Min(44, place.Height / Math.Max(1, now.Count));
        foreach (var (curve, number) in now.Select(static (curve, number) => (curve, number)))
        {
            var y = place.Y + (number * height);
            svg.Text(place.X + 12, y + 13, Svg.Fit(curve.Name, place.Width - 90), 13);
            svg.Box(place.X + 12, y + 18, place.Width - 90, height - 25, "#22252b", 2);
            svg.Box(place.X + 12, y + 18, (place.Width - 90) * curve.Last, height - 25, Green, 2);
            svg.Text(place.X + place.Width - 12, y + 18 + ((height - 25) / 2) + 5, Units.Format(curve.Last, curve.Unit), 14, Green, "end", isBold: true);
        }
    }

    /// <summary>A row for each torrent. With several queries, a column for each.</summary>
    private void Table(Frame frame, Place place)
    {
        var isCompleted = frame.Panel.Queries.Count > 1;
        string[] columns = isCompleted ? ["C", "A", "B"] : ["A"];
        string[] heads = isCompleted ? ["Name", "Synced", "Bytes", "Synced at"] : ["Name", "Pieces"];
        double[] at = isCompleted ? [0, 0.32, 0.59, 0.71] : [0, 0.8];
        for (var i = 0; i < heads.Length; i++)
        {
            svg.Text(place.X + 12 + (at[i] * place.Width), place.Y + 12, heads[i], 12, "#6e9fff", isBold: true);
        }

        var y = place.Y + 18;
        var most = (int)((place.Height - 22) / 22);
        foreach (var torrent in frame.Curves.Where(curve => curve.Samples[^1].At > frame.Until - frame.Gap).GroupBy(static curve => curve.Labels["name"]).Take(most))
        {
            svg.Rule(place.X + 8, y, place.Width - 16);
            svg.Text(place.X + 12, y + 16, Svg.Fit(torrent.Key, (at[1] * place.Width) - 16), 13);
            foreach (var (column, number) in columns.Select(static (column, number) => (column, number)))
            {
                if (torrent.FirstOrDefault(curve => curve.Query == column) is { } curve)
                {
                    var text = !isCompleted ? Units.Format(curve.Last, "short") : Units.Format(column == "B" ? curve.Last * 1000 : curve.Last, column == "A" ? "bytes" : "dateTimeAsIso");
                    svg.Text(place.X + 12 + (at[number + 1] * place.Width), y + 16, text, 13);
                }
            }

            y += 22;
        }
    }

    private void States(Frame frame, Place place)
    {
        var left = place.X + 160;
        var width = place.Width - 172;
        var height = (place.Height - 26) / Math.Max(1, frame.Curves.Count);
        foreach (var (curve, number) in frame.Curves.Select(static (curve, number) => (curve, number)))
        {
            var y = place.Y + (number * height);
            svg.Text(left - 8, y + (height / 2) + 4, curve.Name, 12, "#9fa7b3", "end");
            var from = 0;
            for (var i = 1; i <= curve.Samples.Count; i++)
            {
                // A span lasts until the state changes, or nothing is known for a while.
                if (i < curve.Samples.Count && curve.Samples[i].Value.Equals(curve.Samples[from].Value) && curve.Samples[i].At - curve.Samples[i - 1].At <= frame.Gap)
                {
                    continue;
                }

                var (x, end) = (X(curve.Samples[from].At), i < curve.Samples.Count ? X(curve.Samples[i].At) : left + width);
                svg.Box(x, y + 4, end - x, height - 8, Mapped(frame, curve with { Samples = [curve.Samples[from]] }).Color);
                from = i;
            }

            svg.Text(left + 8, y + (height / 2) + 4, Mapped(frame, curve).Text, 12, "#111217", isBold: true);
        }

        double X(DateTimeOffset at) => left + (width * ((at - frame.From) / (frame.Until - frame.From)));

        svg.Text(left, place.Bottom - 8, frame.From.ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture), 11, "#9fa7b3");
        svg.Text(left + width, place.Bottom - 8, frame.Until.ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture), 11, "#9fa7b3", "end");
    }

    /// <summary>The word and the colour of a value, where the panel has them.</summary>
    private static (string Text, string Color) Mapped(Frame frame, Curve curve)
    {
        var field = frame.Panel.Json.GetProperty("fieldConfig");
        var mappings = field.GetProperty("overrides").EnumerateArray()
            .Where(overriding => overriding.GetProperty("matcher").GetProperty("options").GetString() == curve.Query)
            .SelectMany(static overriding => overriding.GetProperty("properties").EnumerateArray())
            .Where(static property => property.GetProperty("id").GetString() == "mappings")
            .Select(static property => (JsonElement?)property.GetProperty("value"))
            .FirstOrDefault() ?? (field.GetProperty("defaults").TryGetProperty("mappings", out var usual) ? usual : null);
        if (mappings is { } known && known[0].GetProperty("options").TryGetProperty(Units.Format(curve.Last, "short"), out var option))
        {
            return (option.GetProperty("text").GetString()!, option.GetProperty("color").GetString() switch { "red" => "#f2495c", "orange" => "#ff9830", _ => Green });
        }

        return (Units.Format(curve.Last, curve.Unit), Green);
    }

    private static Frame Hide(Frame frame, string folder) =>
        frame with { Curves = [.. frame.Curves.Select(curve => curve with { Name = curve.Name.Replace(folder, "", StringComparison.Ordinal) })] };

    private static int Grid(Frame frame, string name) => frame.Panel.Json.GetProperty("gridPos").GetProperty(name).GetInt32();
}
