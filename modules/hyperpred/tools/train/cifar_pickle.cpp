// Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
#include "cifar_pickle.hpp"

#include <deque>
#include <map>

#include "error.hpp"

namespace cv {
namespace hyperpred {

namespace {

using Node = Pickled*;
using Kind = Pickled::Kind;

const size_t kMostValues = 10000000;  // CIFAR's files have some ten thousand

// The pickle machine: a stack of values, marks on it, and a memo of numbered values.
class PickleMachine {
public:
    PickleMachine(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

    std::shared_ptr<const Pickled> run() {
        for (;;) {
            const char code = take(1)[0];
            if (code == '.') return std::shared_ptr<const Pickled>(values_, pop());
            step(code);
        }
    }

private:
    [[noreturn]] void refuse(const std::string& what) const {
        fail(Failure::BadFile, where_ + ", byte " + std::to_string(at_) + ": " + what);
    }

    std::string_view take(uint64_t count) {
        if (count > bytes_.size() - at_) refuse("the pickle ends too early");
        const std::string_view part = bytes_.substr(at_, size_t(count));
        at_ += size_t(count);
        return part;
    }

    // Little-endian.
    uint64_t number(size_t size) {
        uint64_t value = 0;
        const std::string_view part = take(size);
        for (size_t i = size; i-- > 0;) value = value << 8 | uint64_t(uint8_t(part[i]));
        return value;
    }

    std::string_view line() {
        const size_t end = bytes_.find('\n', at_);
        if (end == std::string_view::npos) refuse("the pickle ends within a name");
        const std::string_view text = bytes_.substr(at_, end - at_);
        at_ = end + 1;
        return text;
    }

    Node push(Kind kind) {
        if (values_->size() >= kMostValues) refuse("the pickle holds more than 10000000 values");
        values_->emplace_back();
        stack_.push_back(&values_->back());
        stack_.back()->kind = kind;
        return stack_.back();
    }
    void pushText(std::string_view text) { push(Kind::Text)->text = text; }
    void pushInteger(int64_t value) { push(Kind::Integer)->integer = value; }

    Node pop() {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("the pickle takes a value that is not there");
        const Node node = stack_.back();
        stack_.pop_back();
        return node;
    }
    Node top() const {
        if (stack_.empty()) refuse("the pickle takes a value that is not there");
        return stack_.back();
    }
    std::vector<Node> popToMark() {
        if (marks_.empty()) refuse("the pickle goes back to a mark that is not there");
        const auto first = stack_.begin() + std::ptrdiff_t(marks_.back());
        std::vector<Node> items(first, stack_.end());
        stack_.erase(first, stack_.end());
        marks_.pop_back();
        return items;
    }
    void pushTuple(size_t size) {
        std::vector<const Pickled*> items(size);
        for (size_t i = size; i-- > 0;) items[i] = pop();
        push(Kind::List)->items = std::move(items);
    }

    void append(const std::vector<Node>& items) {
        const Node list = top();
        if (list->kind != Kind::List) refuse("the pickle appends to what is no list");
        list->items.insert(list->items.end(), items.begin(), items.end());
    }
    void setItems(const std::vector<Node>& items) {
        const Node dictionary = top();
        if (dictionary->kind != Kind::Dictionary || items.size() % 2 != 0) {
            refuse("the pickle sets an entry of what is no dictionary");
        }
        for (size_t i = 0; i < items.size(); i += 2) dictionary->entries.emplace_back(items[i], items[i + 1]);
    }
    void build() {
        const Node state = pop();
        const Node object = top();
        if (object->kind != Kind::Object) refuse("the pickle gives a state to what is no object");
        object->items = state->items;
    }
    void get(uint64_t key) {
        const auto found = memo_.find(key);
        if (found == memo_.end()) refuse("the pickle recalls value " + std::to_string(key) + ", which was not kept");
        stack_.push_back(found->second);
    }

    void step(char code) {
        switch (code) {
            case '\x80': take(1); break;  // protocol
            case '\x95': take(8); break;  // frame
            case '(': marks_.push_back(stack_.size()); break;
            case ']':
            case ')': push(Kind::List); break;
            case '}': push(Kind::Dictionary); break;
            case 'a': {
                const Node item = pop();
                append({item});
                break;
            }
            case 'e': append(popToMark()); break;
            case 's': {
                const Node value = pop(), key = pop();
                setItems({key, value});
                break;
            }
            case 'u': setItems(popToMark()); break;
            case 't': {
                const std::vector<Node> items = popToMark();
                push(Kind::List)->items.assign(items.begin(), items.end());
                break;
            }
            case '\x85': pushTuple(1); break;
            case '\x86': pushTuple(2); break;
            case '\x87': pushTuple(3); break;
            case 'q': memo_[number(1)] = top(); break;
            case 'r': memo_[number(4)] = top(); break;
            case '\x94': memo_[memo_.size()] = top(); break;
            case 'h': get(number(1)); break;
            case 'j': get(number(4)); break;
            case 'U':
            case 'C':
            case '\x8c': pushText(take(number(1))); break;
            case 'T':
            case 'X':
            case 'B': pushText(take(number(4))); break;
            case '\x8d':
            case '\x8e': pushText(take(number(8))); break;
            case 'K': pushInteger(int64_t(number(1))); break;
            case 'M': pushInteger(int64_t(number(2))); break;
            case 'J': pushInteger(int32_t(uint32_t(number(4)))); break;
            case '\x88': pushInteger(1); break;
            case '\x89': pushInteger(0); break;
            case 'N': push(Kind::None); break;
            case 'c':
                line();
                line();
                push(Kind::Object);
                break;  // a global name
            case '\x93':
                pop();
                pop();
                push(Kind::Object);
                break;  // the same from the stack
            case 'R':
                pop();
                pop();
                push(Kind::Object);
                break;  // what a call would give
            case 'b': build(); break;
            default:
                refuse("the pickle uses operation " + std::to_string(int(uint8_t(code))) + ", which CIFAR's do not");
        }
    }

    std::string_view bytes_;
    const std::string& where_;
    size_t at_ = 0;
    // All values in one place: those that a value holds are let go with it, not through it.
    std::shared_ptr<std::deque<Pickled>> values_ = std::make_shared<std::deque<Pickled>>();
    std::vector<Node> stack_;
    std::vector<size_t> marks_;
    std::map<uint64_t, Node> memo_;
};

}  // namespace

const Pickled* Pickled::find(std::string_view name) const {
    for (const auto& entry : entries) {
        if (entry.first->kind == Kind::Text && entry.first->text == name) return entry.second;
    }
    return nullptr;
}

std::shared_ptr<const Pickled> parsePickle(std::string_view bytes, const std::string& where) {
    return PickleMachine(bytes, where).run();
}

}  // namespace hyperpred
}  // namespace cv
