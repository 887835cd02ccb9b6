using System.Globalization;
using System.Text;

namespace QbSync.Testing.Clients;

/// <summary>Answers of a client with many torrents, field by field as qBittorrent 5 writes them, for what reading them takes.</summary>
public static class WebApiAnswers
{
    private static readonly string[] States = ["stalledUP", "uploading", "stoppedUP", "queuedUP", "downloading"];

    /// <summary>Of <c>sync/maindata</c> with the number 0: about 1,400 bytes a torrent.</summary>
    public static byte[] MainData(int torrents)
    {
        var text = new StringBuilder("{\"categories\":{\"films\":{\"name\":\"films\",\"savePath\":\"\"}},\"full_update\":true,\"rid\":1,");
        text.Append("\"server_state\":{\"alltime_dl\":1,\"free_space_on_disk\":1000000000},\"tags\":[\"synced\"],\"torrents\":{");
        for (var i = 0; i < torrents; i++)
        {
            text.Append(i == 0 ? "" : ",").Append('"').Append(Id(i)).Append("\":").Append(Torrent(i));
        }

        text.Append("},\"trackers\":{\"https://tracker.example.test/announce\":[");
        text.AppendJoin(',', Enumerable.Range(0, torrents).Select(static i => $"\"{Id(i)}\""));
        return Encoding.UTF8.GetBytes(text.Append("]}}").ToString());
    }

    /// <summary>Of <c>sync/maindata</c>: some of the torrents, spread evenly, have moved on.</summary>
    public static byte[] Changes(long rid, int changed, int torrents)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{{\"rid\":{rid},\"server_state\":{{\"dl_info_speed\":{rid * 7}}},\"torrents\":{{");
        for (var i = 0; i < changed; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"\"{Id(i * (torrents / changed))}\":{{\"amount_left\":{1000 - rid},");
            text.Append(CultureInfo.InvariantCulture, $"\"availability\":1.25,\"completed\":{rid * 1000},\"dlspeed\":{rid * 333},\"downloaded\":{rid * 1001},");
            text.Append(CultureInfo.InvariantCulture, $"\"eta\":{8640000 - rid},\"last_activity\":{1700000000 + rid},\"num_leechs\":3,\"progress\":0.{rid % 1000:000}}}");
        }

        return Encoding.UTF8.GetBytes(text.Append("}}").ToString());
    }

    /// <summary>Of <c>torrents/pieceStates</c>: mostly there, some on their way.</summary>
    public static byte[] PieceStates(int pieces)
    {
        var text = new StringBuilder("[", (2 * pieces) + 1);
        for (var i = 0; i < pieces; i++)
        {
            text.Append(i == 0 ? "" : ",").Append((i % 7) switch { 0 => '0', 1 => '1', _ => '2' });
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }

    /// <summary>Of <c>torrents/files</c>.</summary>
    public static byte[] Files(int files)
    {
        var text = new StringBuilder("[");
        for (var i = 0; i < files; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{{\"availability\":1,\"index\":{i},\"is_seed\":true,\"name\":");
            text.Append(CultureInfo.InvariantCulture, $"\"Some Collection/Part {i / 100:000}/Item {i:00000}.flac\",\"piece_range\":[{i},{i + 3}],");
            text.Append(CultureInfo.InvariantCulture, $"\"priority\":1,\"progress\":1,\"size\":{1_000_000 + i}}}");
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }

    /// <summary>Id of a torrent by its number.</summary>
    public static string Id(int i) => ((ulong)(i + 1) * 0x9E3779B97F4A7C15UL).ToString("x16", CultureInfo.InvariantCulture) + i.ToString("x24", CultureInfo.InvariantCulture);

    private static string Torrent(int i)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"Some.Name.Of.A.Torrent.S{i % 40:00}E{i % 24:00}.1080p.WEB.x265-GROUP{i:0000}");
        return string.Create(CultureInfo.InvariantCulture, $$"""
            {"added_on":{{1600000000 + i}},"amount_left":0,"auto_tmm":false,"availability":-1,"category":"films","comment":"https://tracker.example.test/details?id={{i}}","completed":{{4_000_000_000 + i}},"completion_on":{{1600003600 + i}},"connections_count":2,"content_path":"/srv/torrents/complete/films/{{name}}","created_by":"maker 1.2","creation_date":1590000000,"dl_limit":0,"dlspeed":0,"download_path":"","downloaded":{{4_100_000_000 + i}},"downloaded_session":0,"eta":8640000,"f_l_piece_prio":false,"force_start":false,"has_metadata":true,"inactive_seeding_time_limit":-2,"infohash_v1":"{{Id(i)}}","infohash_v2":"","last_activity":{{1700000000 + i}},"magnet_uri":"magnet:?xt=urn:btih:{{Id(i)}}&dn={{name}}&tr=https%3A%2F%2Ftracker.example.test%2Fannounce","max_inactive_seeding_time":-1,"max_ratio":-1,"max_seeding_time":-1,"name":"{{name}}","num_complete":12,"num_incomplete":3,"num_leechs":0,"num_seeds":0,"piece_size":4194304,"pieces_have":1000,"pieces_num":1000,"popularity":1.5,"priority":0,"private":true,"progress":1,"ratio":{{i % 100}}.25,"ratio_limit":-2,"reannounce":1200,"root_path":"/srv/torrents/complete/films/{{name}}","save_path":"/srv/torrents/complete/films","seeding_time":{{100000 + i}},"seeding_time_limit":-2,"seen_complete":{{1600003600 + i}},"seq_dl":false,"size":{{4_000_000_000 + i}},"state":"{{States[i % States.Length]}}","super_seeding":false,"tags":"synced, kept","time_active":{{200000 + i}},"total_size":{{4_000_000_000 + i}},"tracker":"https://tracker.example.test/announce","trackers_count":1,"up_limit":0,"uploaded":{{1_000_000 + i}},"uploaded_session":0,"upspeed":0}
            """);
    }
}
