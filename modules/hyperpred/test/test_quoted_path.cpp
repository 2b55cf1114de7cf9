// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE quoted_path
#include <boost/test/unit_test.hpp>

#include <string>

#include "quoted_path.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(plain_names_and_utf8_stay) {
    BOOST_TEST(quotedPath("/data/cat 1.jpg") == "\"/data/cat 1.jpg\"");
    BOOST_TEST(quotedPath("\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80") == "\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    BOOST_TEST(quotedPath("") == "\"\"");
    BOOST_TEST(quotedPath(std::string(5000, 'a')).size() == 5002u);  // never shortened: it names the file
}

BOOST_AUTO_TEST_CASE(quotes_and_control_characters_are_escaped) {
    BOOST_TEST(quotedPath("a\"b\\c") == "\"a\\\"b\\\\c\"");
    BOOST_TEST(quotedPath("a\nb\tc\rd\x1B[2J\x7F") == "\"a\\nb\\tc\\rd\\x1B[2J\\x7F\"");
    BOOST_TEST(quotedPath("\xC2\x9B") == "\"\\xC2\\x9B\"");  // U+009B starts terminal sequences like ESC [
    BOOST_TEST(quotedPath(std::string("a\0b", 3)) == "\"a\\x00b\"");
}

BOOST_AUTO_TEST_CASE(characters_have_their_lengths) {
    const std::string text = "a\xC3\x9F\xE2\x82\xAC\xF0\x9F\x94\xA9\xFF";
    BOOST_TEST(utf8Length(text, 0) == 1u);
    BOOST_TEST(utf8Length(text, 1) == 2u);
    BOOST_TEST(utf8Length(text, 3) == 3u);
    BOOST_TEST(utf8Length(text, 6) == 4u);
    BOOST_TEST(utf8Length(text, 2) == 0u);   // within a character
    BOOST_TEST(utf8Length(text, 10) == 0u);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_escaped) {
    BOOST_TEST(quotedPath("\xFF" "a") == "\"\\xFFa\"");
    BOOST_TEST(quotedPath("\xC3") == "\"\\xC3\"");                          // cut short
    BOOST_TEST(quotedPath("\xC3(") == "\"\\xC3(\"");                        // no continuation
    BOOST_TEST(quotedPath("\xC0\xAF") == "\"\\xC0\\xAF\"");                 // overlong
    BOOST_TEST(quotedPath("\xE0\x80\xAF") == "\"\\xE0\\x80\\xAF\"");        // overlong
    BOOST_TEST(quotedPath("\xED\xA0\x80") == "\"\\xED\\xA0\\x80\"");        // surrogate
    BOOST_TEST(quotedPath("\xF4\x90\x80\x80") == "\"\\xF4\\x90\\x80\\x80\"");  // above U+10FFFF
}
