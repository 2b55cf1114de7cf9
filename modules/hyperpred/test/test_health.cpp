// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE health
#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include "health.hpp"
#include "image_files.hpp"
#include "sentence.hpp"

using namespace cv::hyperpred;
using test::holds;
using State = Finding::State;

namespace {

// The findings about one subject, with the data folder and the temporary folder as given.
std::vector<Finding> examined(const std::string& subject, const std::string& data, const char* temporary = "/tmp") {
    setenv("HYPERPRED_DATA", data.c_str(), 1);
    setenv("TMPDIR", temporary, 1);
    std::vector<Finding> found;
    for (const Finding& finding : examineInstallation()) {
        if (finding.subject == subject) found.push_back(finding);
    }
    unsetenv("TMPDIR");
    return found;
}

}  // namespace

// The self-test with a whole model is test_self_test's and test/install_runs.sh's: it takes a second.
BOOST_AUTO_TEST_CASE(without_data_every_other_check_is_made) {
    const std::vector<Finding> data = examined("data", "/none");
    BOOST_REQUIRE(data.size() == 1u);
    BOOST_TEST(bool(data[0].state == State::Failed));
    BOOST_TEST(holds(data[0].sentence, "\"/none\" does not exist; HYPERPRED_DATA"));
    const std::vector<Finding> model = examined("model", "/none");
    BOOST_REQUIRE(model.size() == 1u);
    BOOST_TEST(holds(model[0].sentence, "no model (.safetensors) in \"/none/models\""));
    BOOST_TEST(bool(examined("self-test", "/none").at(0).state == State::Failed));
    for (const char* subject : {"versions", "processor", "threads", "temporary"}) {
        BOOST_TEST_CONTEXT(subject) {
            BOOST_TEST(bool(examined(subject, "/none").at(0).state == State::Ok));
        }
    }
    BOOST_TEST(bool(examined("data", std::string(5000, 'x')).at(0).state == State::Failed));
    BOOST_TEST(bool(examined("gpu", "/none").at(0).state != State::Failed));  // none is no fault
}

BOOST_AUTO_TEST_CASE(each_file_is_judged_by_itself) {
    const ImageFolder folder;
    folder.write("architectures/a.json", "{");
    std::filesystem::copy(HYPERPRED_DATA_DIR "/architectures/convnet3.json", folder.path / "architectures/b.json");
    folder.write("models/m.safetensors", std::string(40, 'x'));
    const std::vector<Finding> architectures = examined("architecture", folder.path.string());
    BOOST_REQUIRE(architectures.size() == 2u);
    BOOST_TEST(bool(architectures[0].state == State::Failed));
    BOOST_TEST(holds(architectures[0].sentence, "a.json"));
    BOOST_TEST_CONTEXT(architectures[1].sentence) {
        BOOST_TEST(bool(architectures[1].state == State::Ok));
    }
    const std::vector<Finding> models = examined("model", folder.path.string());
    BOOST_REQUIRE(models.size() == 1u);
    BOOST_TEST(bool(models[0].state == State::Failed));
    BOOST_TEST(holds(models[0].sentence, "m.safetensors"));
}

BOOST_AUTO_TEST_CASE(the_temporary_folder_must_take_a_file) {
    BOOST_TEST(holds(examined("temporary", "/none").at(0).sentence, "\"/tmp\": can be written, "));
    const std::vector<Finding> found = examined("temporary", "/none", "/none/at all");
    BOOST_REQUIRE(found.size() == 1u);
    BOOST_TEST(bool(found[0].state == State::Failed));
    BOOST_TEST(holds(found[0].sentence, "\"/none/at all\""));
    BOOST_TEST(holds(found[0].sentence, "TMPDIR"));
}
