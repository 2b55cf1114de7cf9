// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE data_folder
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>

#include "data_folder.hpp"
#include "image_files.hpp"

using namespace cv::hyperpred;
namespace fs = std::filesystem;

namespace {

// Data of two models and something else, named by HYPERPRED_DATA while it lives.
struct Data {
    Data() {
        for (const char* name : {"b.safetensors", "a.safetensors", "notes.txt"}) {
            folder.write(std::string("models/") + name, "x");
        }
        setenv("HYPERPRED_DATA", folder.path.c_str(), 1);
    }
    ~Data() { unsetenv("HYPERPRED_DATA"); }
    ImageFolder folder;
    std::string models = (folder.path / "models").string() + "/";
};

std::string errorOf(const std::string& name) {
    try {
        modelPath(name);
    } catch (const cv::Exception& error) {
        return error.err;
    }
    return "no error";
}

}  // namespace

BOOST_AUTO_TEST_CASE(files_are_listed_by_name) {
    const Data data;
    BOOST_TEST((dataFiles("models", ".safetensors") ==
                std::vector<std::string>{data.models + "a.safetensors", data.models + "b.safetensors"}));
    BOOST_TEST(dataFiles("architectures", ".json").empty());
}

BOOST_AUTO_TEST_CASE(a_plain_name_is_a_model_of_the_data_folder) {
    const Data data;
    BOOST_TEST(modelPath("a") == data.models + "a.safetensors");
    BOOST_TEST(modelPath("a.safetensors") == data.models + "a.safetensors");
    BOOST_TEST(modelPath("./a") == "./a");  // a path stays one, whether it exists or not
    BOOST_TEST(modelPath("/none/a") == "/none/a");
    const std::string error = errorOf("c");
    BOOST_TEST(error.find("model \"c\": there is no such file, and no \"" + data.models +
                          "c.safetensors\"; models there: a, b (HYPERPRED_DATA") == 0u);
}

BOOST_AUTO_TEST_CASE(an_existing_file_comes_before_a_model_of_its_name) {
    const Data data;
    const fs::path before = fs::current_path();
    fs::current_path(data.models);
    BOOST_TEST(modelPath("a.safetensors") == "a.safetensors");
    fs::current_path(before);
}

BOOST_AUTO_TEST_CASE(without_the_variable_it_lies_relative_to_the_program) {
    setenv("HYPERPRED_DATA", "", 1);
    const fs::path own = fs::read_symlink("/proc/self/exe");
    BOOST_TEST(dataFolder() == (own.parent_path().parent_path() / "share/hyperpred").string());
    unsetenv("HYPERPRED_DATA");
    BOOST_TEST(errorOf("c").find("that folder holds no model") != std::string::npos);
}
