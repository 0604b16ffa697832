// Strided views of one byte array, and which of its bytes they hold: found out one by one.
#pragma once

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "views.h"

class Shapes {
  public:
    explicit Shapes(unsigned seed) : random_(seed) {}

    // Within [0, bytes), with every byte in it once; its dimensions in any order. Often columns of one matrix.
    View view(void *data, int64_t bytes) {
        for (;;) {
            View made{data, {}};
            std::vector<std::pair<int64_t, int64_t>> dims;
            int64_t inside = 1;
            for (size_t i = number(0, 3); i > 0; i--) {
                const int64_t loose = inside + static_cast<int64_t>(number(0, 4)), even = (inside + 7) / 8 * 8;
                dims.emplace_back(number(1, 5), number(0, 2) == 0 ? inside : number(0, 1) == 0 ? loose : even);
                inside += (dims.back().first - 1) * dims.back().second;
            }
            std::shuffle(dims.begin(), dims.end(), random_);
            for (const auto &[count, stride] : dims) {
                made.shape.push_back(count);
                made.strides.push_back(stride);
            }
            made.offset = static_cast<int64_t>(number(0, static_cast<size_t>(bytes) - 1));
            if (made.offset + inside <= bytes) {
                return made;
            }
        }
    }

    // Within [0, bytes), with any strides, so that most overlap themselves.
    View wild_view(void *data, int64_t bytes) {
        for (;;) {
            View made{data, {}};
            const size_t rank = number(0, 3);
            for (size_t i = 0; i < rank; i++) {
                made.shape.push_back(static_cast<int64_t>(number(1, 5)));
                made.strides.push_back(static_cast<int64_t>(number(0, 12)));
            }
            made.offset = static_cast<int64_t>(number(0, static_cast<size_t>(bytes) - 1));
            if (*bytes_of(made).rbegin() < bytes) {
                return made;
            }
        }
    }

    size_t number(size_t least, size_t most) {
        return std::uniform_int_distribution<size_t>(least, most)(random_);
    }

    static std::set<int64_t> bytes_of(const View &view) {
        std::set<int64_t> bytes = {view.offset};
        for (size_t i = 0; i < view.shape.size(); i++) {
            std::set<int64_t> more;
            for (int64_t index = 0; index < view.shape[i]; index++) {
                for (const int64_t byte : bytes) {
                    more.insert(byte + index * view.strides[i]);
                }
            }
            bytes = more;
        }
        return bytes;
    }

  private:
    std::mt19937 random_;
};
