// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#ifndef HYPERPRED_TOOL_DATA_FOLDER_HPP
#define HYPERPRED_TOOL_DATA_FOLDER_HPP

#include <string>
#include <vector>

namespace cv {
namespace hyperpred {

// What is used where --model is absent: the file that the project ships.
const char kDefaultModel[] = "resnet18";

// Where models/ and architectures/ are: HYPERPRED_DATA where that is set, else at its place relative to the running
// program, so that an installation can be moved. The build tree has the same layout as an installation.
std::string dataFolder();

// Files of dataFolder()/`kind` ("models") with `extension` (".safetensors"), by name; empty where there are none.
std::vector<std::string> dataFiles(const std::string& kind, const std::string& extension);

// The path of a model: `name` itself where it is a path or an existing file, else the model of that name in
// dataFolder(). Throws Failure::NotFound where that has none, with the names that it has.
std::string modelPath(const std::string& name);

}  // namespace hyperpred
}  // namespace cv

#endif
