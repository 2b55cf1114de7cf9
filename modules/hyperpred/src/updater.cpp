// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "atomic_file.hpp"
#include "backend.hpp"
#include "classifier.hpp"
#include "error.hpp"
#include "hash.hpp"
#include "images.hpp"
#include "mat_list.hpp"
#include "net_onnx.hpp"
#include "onnx_expansion.hpp"
#include "opencv2/hyperpred.hpp"
#include "quoted_path.hpp"
#include "strict_json.hpp"
#include "support_features.hpp"
#include "support_set.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Json = nlohmann::ordered_json;

// Name and report of a network of ours, which others may have edited.
struct KnownMetadata {
    std::string architecture;
    Json report;
};
KnownMetadata knownMetadata(const std::map<std::string, std::string>& metadata, const std::string& origin) {
    const auto parsed = [&](const char* key) {
        const auto found = metadata.find(key);
        const bool readable = found != metadata.end() && isMetadataObject(found->second);
        const Json value = readable ? Json::parse(found->second, nullptr, false) : Json();
        if (value.is_object()) return value;
        fail(Failure::BadFile, quotedPath(origin) + ": its metadata " + key +
                                   " is missing, or no JSON object of at most " + std::to_string(kMetadataNesting) +
                                   " levels");
    };
    KnownMetadata known;
    known.report = parsed("hyperpred.report");
    const Json architecture = parsed("hyperpred.architecture");
    const auto name = architecture.find("name");
    if (name == architecture.end() || !name->is_string()) {
        fail(Failure::BadFile, quotedPath(origin) + ": its metadata hyperpred.architecture has no \"name\"");
    }
    known.architecture = name->get<std::string>();
    return known;
}

// `support` is kept in the order of the additions, which makes taking one back a matter of its tail; written is what
// inWrittenOrder() makes of it.
class UpdaterImpl : public Updater {
public:
    UpdaterImpl(const String& net, const String& support, bool repair) {
        const std::vector<uint8_t> bytes = readOnnxFile(net);
        metadata_ = readOnnxMetadata(bytes, net);
        description_ = parseMetadata(metadata_, net);
        known_ = knownMetadata(metadata_, net);
        body_ = onnxBody(bytes, net);
        support_ = readSupportFeatures(support);
        const std::string file = "support file " + quotedPath(support);
        if (support_.body != contentHash(body_.data(), body_.size())) {
            fail(Failure::BadArgument,
                 file + " belongs to another network than " + quotedPath(net) + ": the layers differ");
        }
        if (!repair && metadata_.find("hyperpred.checksum")->second != support_.network) {
            fail(Failure::BadArgument, file + " is of another state of " + quotedPath(net) +
                                           ": one of them was written without the other; repair (`hyperpred update NET "
                                           "--repair`) makes the network anew for the support file");
        }
        const auto format = metadata_.find(kOnnxFormatKey);
        if (format != metadata_.end()) format_ = parseOnnxFormat(format->second);
        const std::vector<uint8_t> readable = format_ == OnnxFormat::Float ? bytes : expandOnnx(bytes, net);
        net_ = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(readable.data()), readable.size());
    }

    void add(InputArrayOfArrays images, const std::vector<String>& classes) override {
        const std::vector<cv::Mat> mats = toMats(images);
        if (mats.size() != classes.size()) {
            fail(Failure::BadArgument, std::to_string(mats.size()) + " images but " + std::to_string(classes.size()) +
                                           " class names: each image needs one");
        }
        const size_t classesBefore = support_.classNames.size(), imagesBefore = support_.labels.size();
        try {
            for (size_t i = 0; i < mats.size(); ++i) {
                tell("add", double(i) / double(mats.size()));
                const int label = labelOrNew(readableName(classes[i]));
                addImage(mats[i], "image " + std::to_string(i), label);
            }
        } catch (...) {
            support_.classNames.resize(classesBefore);
            support_.labels.resize(imagesBefore);
            support_.hashes.resize(imagesBefore);
            support_.rows.resize(imagesBefore * size_t(support_.columns));
            throw;
        }
    }

    void drop(const String& name) override {
        const int label = labelOf(name);
        if (support_.classNames.size() <= 2) {
            fail(Failure::BadArgument, "class " + quotedPath(name) +
                                           " cannot be dropped: " + std::to_string(support_.classNames.size() - 1) +
                                           " class would be left, and a network needs two");
        }
        const size_t columns = size_t(support_.columns);
        size_t kept = 0;
        for (size_t i = 0; i < support_.labels.size(); ++i) {
            if (support_.labels[i] == label) continue;
            support_.labels[kept] = support_.labels[i] - (support_.labels[i] > label ? 1 : 0);
            support_.hashes[kept] = support_.hashes[i];
            std::copy_n(support_.rows.begin() + std::ptrdiff_t(i * columns), columns,
                        support_.rows.begin() + std::ptrdiff_t(kept * columns));
            ++kept;
        }
        support_.labels.resize(kept);
        support_.hashes.resize(kept);
        support_.rows.resize(kept * columns);
        support_.classNames.erase(support_.classNames.begin() + label);
        if (label < support_.listed) --support_.listed;
    }

    void rename(const String& from, const String& to) override {
        std::vector<std::string> names = support_.classNames;
        names[size_t(labelOf(from))] = readableName(to);
        checkClassNames(names);
        support_.classNames = std::move(names);
    }

    std::vector<String> classNames() const override {
        std::vector<String> names;
        for (const size_t label : writtenClasses()) names.push_back(support_.classNames[label]);
        return names;
    }

    int size() const override { return int(support_.labels.size()); }

    String report() const override { return known_.report.dump(); }

    String write(const String& net, const String& support) const override {
        const std::string supportPath = support.empty() ? supportFileOf(net) : std::string(support);
        SupportFeatures ordered = inWrittenOrder();
        FeatureTable table(ordered.columns, int(ordered.classNames.size()));
        table.append(ordered.rows.data(), ordered.labels.data(), int(ordered.labels.size()));
        tell("head", 0);
        const FittedHead fitted = fitHead(ordered.head, table, gatherStatistics(table, addGramOnCpu), ordered.rejected);
        tell("net", 0);
        const std::string report = updatedReport(fitted, ordered).dump();
        const std::vector<uint8_t> netBytes = emitOnnx(
            buildHead(known_.architecture, description_.size, fitted.head, updatedMetadata(fitted, ordered, report)),
            format_, {}, body_);
        ordered.network = onnxChecksum(netBytes);
        const std::vector<uint8_t> supportBytes = supportFileBytes(supportPath, std::move(ordered));
        tell("net", 1);
        // The support file first: from it the network can be made again, not the other way round.
        writeTogether({{supportPath, allOf(supportBytes)}, {net, allOf(netBytes)}});
        return report;
    }

    void setProgress(const std::function<bool(const String& stage, double done)>& progress) override {
        progress_ = progress;
    }

private:
    void tell(const char* stage, double done) const {
        if (progress_ && !progress_(stage, done)) {
            fail(Failure::Internal, std::string("update cancelled in stage \"") + stage + "\"");
        }
    }

    int labelOf(const std::string& name) const {
        const auto found = std::find(support_.classNames.begin(), support_.classNames.end(), readableName(name));
        if (found == support_.classNames.end()) {
            fail(Failure::NotFound, "no class is called " + quotedPath(name) + "; the first of " +
                                        std::to_string(support_.classNames.size()) + " is " +
                                        quotedPath(support_.classNames.front()));
        }
        return int(found - support_.classNames.begin());
    }

    int labelOrNew(const std::string& name) {
        const auto found = std::find(support_.classNames.begin(), support_.classNames.end(), name);
        if (found != support_.classNames.end()) return int(found - support_.classNames.begin());
        if (name.empty()) fail(Failure::BadArgument, "a class has an empty name");
        if (support_.classNames.size() == size_t(kMaxClasses)) {
            fail(Failure::OutOfRange, "class " + quotedPath(name) + " would be one too many; " +
                                          std::to_string(kMaxClasses) + " are possible");
        }
        support_.classNames.push_back(name);
        return int(support_.classNames.size()) - 1;
    }

    // One image at a time: cv::dnn does not promise that an image's features are the same bits in any batch, and then
    // it would matter how the images were split between the calls.
    void addImage(const cv::Mat& image, const std::string& where, int label) {
        const int size = description_.size;
        cv::Mat pixels(size, size, CV_8UC3);
        convertImage(image, size, where, pixels.data);
        net_.setInput(cv::dnn::blobFromImage(pixels, 1.0, cv::Size(size, size), cv::Scalar(), true, false));
        const cv::Mat row = net_.forward("features");
        if (row.total() != size_t(support_.columns) || !cv::checkRange(row)) {
            fail(Failure::BadFile, where + ": the network gives " + std::to_string(row.total()) +
                                       " features, or one that is not finite; " + std::to_string(support_.columns) +
                                       " finite ones are expected");
        }
        support_.labels.push_back(label);
        support_.hashes.push_back(contentHash(pixels.data, pixels.total() * pixels.elemSize()));
        support_.rows.insert(support_.rows.end(), row.ptr<float>(), row.ptr<float>() + row.total());
    }

    // Labels in the order in which the classes are written: as listed, then the added ones by name, so that the order
    // of the additions cannot matter.
    std::vector<size_t> writtenClasses() const {
        std::vector<size_t> order(support_.classNames.size());
        std::iota(order.begin(), order.end(), size_t(0));
        std::sort(order.begin() + support_.listed, order.end(),
                  [&](size_t a, size_t b) { return support_.classNames[a] < support_.classNames[b]; });
        return order;
    }

    // As `predict` orders its images: by class, then by content.
    SupportFeatures inWrittenOrder() const {
        const std::vector<size_t> classes = writtenClasses();
        std::vector<int> place(classes.size());
        SupportFeatures ordered;
        for (size_t k = 0; k < classes.size(); ++k) {
            ordered.classNames.push_back(support_.classNames[classes[k]]);
            place[classes[k]] = int(k);
        }
        ordered.listed = support_.listed;
        ordered.head = support_.head;
        ordered.rejected = support_.rejected;
        ordered.body = support_.body;
        ordered.columns = support_.columns;
        std::vector<SupportEntry> entries;
        for (size_t i = 0; i < support_.labels.size(); ++i) {
            entries.push_back({place[size_t(support_.labels[i])], support_.hashes[i], i});
        }
        sortCanonically(entries);
        ordered.rows.reserve(support_.rows.size());
        for (const SupportEntry& entry : entries) {
            ordered.labels.push_back(entry.label);
            ordered.hashes.push_back(entry.hash);
            const auto row = support_.rows.begin() + std::ptrdiff_t(entry.record) * support_.columns;
            ordered.rows.insert(ordered.rows.end(), row, row + support_.columns);
        }
        return ordered;
    }

    // What the head decides is new; what the layers were made from is kept.
    Json updatedReport(const FittedHead& fitted, const SupportFeatures& support) const {
        Json report = known_.report;
        report["regulariser"] = fitted.head.regulariser;
        report["temperature"] = fitted.head.temperature;
        report["classes"] = support.classNames.size();
        report["images"] = support.labels.size();
        report["expected_accuracy"] = fitted.leaveOneOut.accuracy;
        report["expected_log_loss"] = fitted.leaveOneOut.logLoss;
        return report;
    }

    std::map<std::string, std::string> updatedMetadata(const FittedHead& fitted, const SupportFeatures& support,
                                                       const std::string& report) const {
        std::map<std::string, std::string> metadata = metadata_;
        NetDescription description = description_;
        description.classNames = support.classNames;
        description.threshold = fitted.head.familiarity.threshold;
        for (const auto& item : toMetadata(description)) metadata[item.first] = item.second;
        metadata["hyperpred.report"] = report;
        return metadata;
    }

    std::map<std::string, std::string> metadata_;
    NetDescription description_;
    KnownMetadata known_;
    OnnxFormat format_ = OnnxFormat::Float;
    std::vector<uint8_t> body_;
    SupportFeatures support_;
    cv::dnn::Net net_;
    std::function<bool(const String& stage, double done)> progress_;
};

}  // namespace

Ptr<Updater> Updater::open(const String& net, const String& support, bool repair) {
    return makePtr<UpdaterImpl>(net, support.empty() ? String(supportFileOf(net)) : support, repair);
}

}  // namespace hyperpred
}  // namespace cv
