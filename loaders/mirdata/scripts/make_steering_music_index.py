import argparse
import glob
import json
import os

from mirdata.validate import md5


def make_steering_music_index(data_path, index_path, version):
    """Write the index of a folder that holds audio/, midi/ and clips.json

    Args:
        data_path (str): the folder
        index_path (str): the index to write
        version (str): version of the clips

    """
    tracks = {}
    for audio_path in sorted(glob.glob(os.path.join(data_path, "audio", "*.flac"))):
        track_id = os.path.splitext(os.path.basename(audio_path))[0]
        files = {"audio": f"audio/{track_id}.flac", "midi": f"midi/{track_id}.mid"}
        tracks[track_id] = {
            key: [path, md5(os.path.join(data_path, path))] for key, path in files.items()
        }
    clips = ["clips.json", md5(os.path.join(data_path, "clips.json"))]
    index = {"version": version, "tracks": tracks, "metadata": {"clips": clips}}
    with open(index_path, "w") as fhandle:
        json.dump(index, fhandle, indent=0)


if __name__ == "__main__":
    PARSER = argparse.ArgumentParser(description="Make steering_music index file.")
    PARSER.add_argument("data_path", type=str, help="Path to the folder with the clips.")
    PARSER.add_argument("index_path", type=str, help="Path to the index to write.")
    PARSER.add_argument("--version", type=str, default="1.0.0", help="Version of the clips.")
    ARGUMENTS = PARSER.parse_args()
    make_steering_music_index(ARGUMENTS.data_path, ARGUMENTS.index_path, ARGUMENTS.version)
