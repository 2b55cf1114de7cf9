// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE train_settings
#include <boost/test/unit_test.hpp>

#include "sentence.hpp"
#include "settings.hpp"

using namespace cv::hyperpred;
using test::holds;

namespace {

std::string document(const std::string& more) {
    return R"({"architecture": "net.json", "data": [{"file": "a.pack"}])" + more + "}";
}

// The sentence of the refusal, or nothing.
std::string refusal(const std::string& json, const std::vector<std::string>& overrides = {}) {
    return test::sentenceOf([&] { parseSettings(json, "run.json", overrides); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(DefaultsHoldWhereNothingIsSaid) {
    const Settings settings = parseSettings(document(""), "run.json", {});
    for (const NumberSetting& setting : numberSettings()) {
        BOOST_CHECK_EQUAL(settings.number(setting.key), setting.fallback);
        BOOST_CHECK_LE(setting.lowest, setting.fallback);
        BOOST_CHECK_LE(setting.fallback, setting.highest);
    }
}

BOOST_AUTO_TEST_CASE(OverridesWinAndAreKeptInTheDocument) {
    const Settings settings = parseSettings(document(R"(, "base": {"lr": 0.3})"), "run.json", {"base.lr=0.05"});
    BOOST_CHECK_EQUAL(settings.number("base.lr"), 0.05);
    BOOST_CHECK_EQUAL(parseSettings(settings.document, "again", {}).number("base.lr"), 0.05);
}

BOOST_AUTO_TEST_CASE(UnknownKeysAreNamed) {
    BOOST_CHECK(holds(refusal(document(R"(, "base": {"learning": 1})")), "base.learning"));
    BOOST_CHECK(holds(refusal(document(R"(, "speed": 1)")), "speed"));
    BOOST_CHECK(holds(refusal(document(""), {"base.rate=1"}), "base.rate"));
    BOOST_CHECK(holds(refusal(R"({"architecture": "n", "data": [{"file": "a", "classs": 1}]})"), "classs"));
    BOOST_CHECK(holds(refusal(document(R"(, "base": {"learning": 1})")), "run.json"));
}

BOOST_AUTO_TEST_CASE(ValuesOutOfRangeAreNamedWithTheirRange) {
    for (const char* part : {"base.lr", "-3", "10"}) BOOST_CHECK(holds(refusal(document(""), {"base.lr=-3"}), part));
    BOOST_CHECK(holds(refusal(document(""), {"base.batch=12.5"}), "integer"));
    BOOST_CHECK(holds(refusal(document(""), {"run.precision=f16"}), "bf16"));
    BOOST_CHECK(holds(refusal(document(""), {"base.resolutions=[[0.5,32],[0.2,64]]"}), "resolutions"));
    BOOST_CHECK(holds(refusal(document(""), {"base.resolutions=[[0.5,4294967328]]"}), "resolutions"));  // 2^32 + 32
}

// A name heads columns of log.csv and goes into the model file, which must tell nothing of the machine.
BOOST_AUTO_TEST_CASE(ADataSetIsCalledAsItsFileUnlessItHasAName) {
    const auto nameOf = [](const std::string& entry) {
        return parseSettings(R"({"architecture": "n", "data": [)" + entry + "]}", "run.json", {}).data[0].name;
    };
    BOOST_CHECK_EQUAL(nameOf(R"({"file": "/home/someone/birds.v2.pack"})"), "birds.v2");
    BOOST_CHECK_EQUAL(nameOf(R"({"file": "/home/someone/birds.pack", "name": "b"})"), "b");
    for (const char* name : {"a,b", "a\\nb", "a\\\"b"}) {
        const std::string entry = R"({"file": "a.pack", "name": ")" + std::string(name) + R"("})";
        BOOST_CHECK(holds(refusal(R"({"architecture": "n", "data": [)" + entry + "]}"), "comma"));
    }
}

BOOST_AUTO_TEST_CASE(WhatIsNeededIsAskedFor) {
    BOOST_CHECK(holds(refusal(R"({"data": [{"file": "a"}]})"), "architecture"));
    BOOST_CHECK(holds(refusal(R"({"architecture": "n"})"), "data"));
    BOOST_CHECK(holds(refusal(R"({"architecture": "n", "data": [{}]})"), "file"));
    BOOST_CHECK(!refusal("[1").empty());
    BOOST_CHECK(!refusal("[]", {"base.lr=1"}).empty());
}
