// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#define BOOST_TEST_MODULE markup
#include <boost/test/unit_test.hpp>

#include "markup.hpp"

using namespace cv::hyperpred;

BOOST_AUTO_TEST_CASE(markup_is_escaped) {
    BOOST_TEST(escaped("<script>alert(\"1\") & 'x'</script>") ==
               "&lt;script&gt;alert(&quot;1&quot;) &amp; &#39;x&#39;&lt;/script&gt;");
    BOOST_TEST(escaped("&amp;") == "&amp;amp;");
    BOOST_TEST(isolated("<b>") == "<bdi>&lt;b&gt;</bdi>");
}

BOOST_AUTO_TEST_CASE(any_bytes_become_utf8) {
    BOOST_TEST(escaped("Stra\xC3\x9F"
                       "e \xF0\x9F\x94\xA9") ==
               "Stra\xC3\x9F"
               "e \xF0\x9F\x94\xA9");
    BOOST_TEST(escaped("a\xFFz") == "a\xEF\xBF\xBDz");
    BOOST_TEST(escaped("\xE2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");          // cut short: two bytes that begin nothing
    BOOST_TEST(escaped("\xC0\xBC") == "\xEF\xBF\xBD\xEF\xBF\xBD");          // "<" in an overlong form
    BOOST_TEST(escaped("\xED\xA0\x80").find('\xED') == std::string::npos);  // a surrogate
    BOOST_TEST(escaped("a\nb\x7F") ==
               "a\xE2\x90\x8A"
               "b\xE2\x90\xA1");
    BOOST_TEST(escaped(std::string(1, '\0')) == "\xE2\x90\x80");
    BOOST_TEST(escaped("\xC2\x85") == "\xEF\xBF\xBD");  // a control character of C1
}

BOOST_AUTO_TEST_CASE(long_names_keep_both_ends_and_whole_characters) {
    BOOST_TEST(shortened("abcdefg", 7) == "abcdefg");
    BOOST_TEST(shortened("abcdefgh", 7) ==
               "abc\xE2\x80\xA6"
               "fgh");
    const std::string eight =
        "\xC3\x9F\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F\xC3\xA4\xC3\xB6\xC3\xBC";  // 8 characters, 16 bytes
    BOOST_TEST(shortened(eight, 8) == eight);
    BOOST_TEST(shortened(eight, 5) == "\xC3\x9F\xC3\xA4\xE2\x80\xA6\xC3\xB6\xC3\xBC");
}

BOOST_AUTO_TEST_CASE(files_show_their_folder) {
    BOOST_TEST(shownFile("/data/parts/gear/07.jpg") == "gear/07.jpg");
    BOOST_TEST(shownFile("07.jpg") == "07.jpg");
    BOOST_TEST(shownFile("/07.jpg") == "/07.jpg");
    BOOST_TEST(shownFile("gear/07.jpg") == "gear/07.jpg");
    BOOST_TEST(shownFile("a/" + std::string(300, 'n')).size() < 70u);
}

BOOST_AUTO_TEST_CASE(numbers) {
    BOOST_TEST(percent(0.9125) == "91.2\xC2\xA0%");
    BOOST_TEST(counted(1, "image", "images") == "1 image");
    BOOST_TEST(counted(0, "image", "images") == "0 images");
}
