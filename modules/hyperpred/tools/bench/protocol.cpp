// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "protocol.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "error.hpp"
#include "strict_json.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::json;

// One object of the file, read key by key; what nobody asked for is an error.
class Reader {
public:
    Reader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
        if (!object_.is_object()) refuse("is " + kindOf(object_) + ", must be an object");
    }

    std::string text(const std::string& key, bool needed = false) {
        const Json* value = find(key, needed);
        if (value == nullptr) return "";
        if (!value->is_string()) refuse(key, *value, "a string");
        return value->get<std::string>();
    }
    bool flag(const std::string& key) {
        const Json* value = find(key, false);
        if (value == nullptr) return false;
        if (!value->is_boolean()) refuse(key, *value, "true or false");
        return value->get<bool>();
    }
    int whole(const std::string& key, int fallback, int lowest) {
        const Json* value = find(key, false);
        if (value == nullptr) return fallback;
        return wholeOf(key, *value, lowest);
    }
    std::vector<int> wholes(const std::string& key, int lowest) {
        std::vector<int> numbers;
        for (const Json& entry : list(key)) numbers.push_back(wholeOf(key, entry, lowest));
        return numbers;
    }
    double number(const std::string& key, double most) {
        const Json* value = find(key, true);
        const bool good = value->is_number() && value->get<double>() >= 0 && value->get<double>() <= most;
        if (!good) refuse(key, *value, ("a number of 0.." + std::to_string(int(most))).c_str());
        return value->get<double>();
    }
    std::vector<double> positives(const std::string& key) {
        std::vector<double> numbers;
        for (const Json& entry : list(key)) {
            if (!entry.is_number() || entry.get<double>() <= 0) refuse(key, entry, "a number above 0");
            numbers.push_back(entry.get<double>());
        }
        return numbers;
    }
    // Values of any kind under names "section.key".
    std::map<std::string, Json> settings(const std::string& key) {
        const Json* value = find(key, false);
        if (value == nullptr) return {};
        if (!value->is_object()) refuse(key, *value, "an object");
        std::map<std::string, Json> settings;
        for (const auto& item : value->items()) {
            const size_t dot = item.key().find('.');
            const bool good =
                dot != 0 && dot != std::string::npos && dot == item.key().rfind('.') && dot + 1 < item.key().size();
            if (!good) refuse("\"" + key + "\" names " + inQuotes(item.key()) + ", must name \"section.key\"");
            settings[item.key()] = item.value();
        }
        return settings;
    }
    std::vector<Reader> objects(const std::string& key) {
        std::vector<Reader> readers;
        for (const Json& entry : list(key)) readers.emplace_back(entry, where_ + ", " + key);
        return readers;
    }
    void done() const {
        for (const auto& item : object_.items()) {
            if (seen_.count(item.key()) == 0) refuse("key " + inQuotes(item.key()) + " is not known");
        }
    }
    [[noreturn]] void refuse(const std::string& sentence) const { fail(Failure::BadFile, where_ + ": " + sentence); }

private:
    [[noreturn]] void refuse(const std::string& key, const Json& value, const char* right) const {
        refuse("\"" + key + "\" holds " + kindOf(value) + ", must hold " + right);
    }
    int wholeOf(const std::string& key, const Json& value, int lowest) const {
        const bool good =
            value.is_number_integer() && value.get<int64_t>() >= lowest && value.get<int64_t>() <= 1000000;
        if (!good) refuse(key, value, ("an integer of " + std::to_string(lowest) + "..1000000").c_str());
        return value.get<int>();
    }
    const Json* find(const std::string& key, bool needed) {
        seen_.insert(key);
        const auto found = object_.find(key);
        if (found == object_.end() && needed) refuse("key \"" + key + "\" is missing");
        return found == object_.end() ? nullptr : &*found;
    }
    Json list(const std::string& key) {
        const Json* value = find(key, false);
        if (value == nullptr) return Json::array();
        if (!value->is_array()) refuse(key, *value, "a list");
        return *value;
    }

    Json object_;
    std::string where_;
    std::set<std::string> seen_;
};

std::string beside(const std::string& file, const std::string& path) {
    if (path.empty()) return path;
    return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

bool isModelFile(const std::string& model) {
    return std::filesystem::path(model).extension() == ".safetensors";
}

ArchitecturePlan readPlan(Reader reader, const std::string& file) {
    ArchitecturePlan plan;
    plan.architecture = beside(file, reader.text("architecture", true));
    std::set<std::string> names;
    for (Reader run : reader.objects("runs")) {
        TrainingStep step;
        step.name = run.text("name", true);
        step.stage = run.text("stage", true);
        step.config = beside(file, run.text("config", true));
        step.from = run.text("from");
        step.set = run.settings("set");
        run.done();
        if (step.stage != "base" && step.stage != "meta") run.refuse("\"stage\" must be \"base\" or \"meta\"");
        if (!step.from.empty() && names.count(step.from) == 0) run.refuse("\"from\" names no run above this one");
        if (!names.insert(step.name).second) run.refuse("two runs have the name \"" + step.name + "\"");
        plan.runs.push_back(step);
    }
    const auto known = [&](const std::string& run) {
        if (names.count(run) == 0) reader.refuse("\"" + run + "\" is neither a run nor a safetensors file");
    };
    const std::pair<const char*, std::string*> models[] = {
        {"predicted", &plan.predicted}, {"fixed", &plan.fixed}, {"pure", &plan.pure}, {"ordinary", &plan.ordinary}};
    for (const auto& entry : models) {
        std::string* model = entry.second;
        *model = reader.text(entry.first);
        if (isModelFile(*model)) {
            *model = beside(file, *model);
        } else if (!model->empty()) {
            known(*model);
        }
    }
    for (Reader rival : reader.objects("scratch")) {
        ScratchRival scratch;
        scratch.run = rival.text("run", true);
        scratch.title = rival.text("title", true);
        scratch.epochs = rival.positives("epochs");
        scratch.averaged = rival.flag("averaged");
        rival.done();
        known(scratch.run);
        plan.scratch.push_back(scratch);
    }
    for (Reader entry : reader.objects("others")) {
        plan.others.push_back({entry.text("title", true), beside(file, entry.text("model", true))});
        entry.done();
        if (!isModelFile(plan.others.back().model)) entry.refuse("\"model\" is no safetensors file");
    }
    for (Reader entry : reader.objects("published")) {
        PublishedRow row;
        row.title = entry.text("title", true);
        row.head = entry.text("head", true);
        row.where = entry.text("where", true);
        row.top1 = entry.number("top1", 1);
        row.seconds = entry.number("seconds", 1e6);
        row.images = entry.whole("images", 0, 1);
        entry.done();
        plan.published.push_back(row);
    }
    reader.done();
    return plan;
}

}  // namespace

Protocol loadProtocol(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(Failure::NotFound, "protocol \"" + path + "\": cannot be opened");
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string where = "protocol \"" + path + "\"";
    Reader reader(readStrictJson(text, 16, where), where);
    Protocol protocol;
    protocol.name = std::filesystem::path(path).stem().string();
    protocol.title = reader.text("title", true);
    protocol.train = reader.text("train", true);
    protocol.test = reader.text("test", true);
    const std::vector<int> unseen = reader.wholes("unseen", 0);
    if (!unseen.empty()) {
        if (unseen.size() != 2 || unseen[0] < 2 || unseen[1] >= unseen[0]) {
            reader.refuse("\"unseen\" must be [modulo, remainder]");
        }
        protocol.unseen.modulo = unseen[0];
        protocol.unseen.remainder = unseen[1];
    }
    protocol.mostTest = reader.whole("test_images_per_class", protocol.mostTest, 1);
    protocol.imagesPerClass = reader.wholes("images_per_class", 1);
    protocol.draws = reader.whole("draws", protocol.draws, 1);
    protocol.shiftImages = reader.wholes("shift_images", 1);
    for (Reader& plan : reader.objects("architectures")) protocol.architectures.push_back(readPlan(plan, path));
    reader.done();
    if (protocol.architectures.empty()) reader.refuse("\"architectures\" is empty");
    return protocol;
}

}  // namespace hyperpred
}  // namespace cv
