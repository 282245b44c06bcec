"""What is installed can be linked, in each of the ways that there are, by C and by C++.

    install_test.py BUILD SOURCE [unittest's arguments]

BUILD is the folder of a build, SOURCE the tree that it was made from.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
JOBS = "2"

# A program of each language. It prints what it has converted there and back.
PROGRAMS = {
    "c": (SOURCE / "examples" / "convert.c").read_text(encoding="utf-8"),
    "cc": """
#include <sessionpb/sessionpb.h>
#include <sessionpb/session.h>
#include <sessionpb/tree.h>
#include <cjson/cJSON.h>
#include <cstdio>
#include <string>
int main()
{
    const std::string json = R"({"id":"a","type":"web","eventCount":1,"lastEvent":{"id":"e",)"
        R"("eventName":"page_viewed","createdDate":"2026-01-31T09:00:00.000Z"},"authenticated":false,)"
        R"("createdDate":"2026-01-31T09:00:00.000Z"})";
    spb_converter *converter = spb_converter_new(nullptr);
    spb_bytes pb = {}, back = {};
    cJSON *tree = nullptr;
    Journey__V1__Session *session = nullptr;
    bool same = spb_json_to_pb(converter, json.data(), json.size(), &pb, nullptr) == SPB_OK &&
        spb_pb_to_tree(converter, pb.data, pb.len, &tree, nullptr) == SPB_OK &&
        spb_pb_to_session(converter, pb.data, pb.len, &session, nullptr) == SPB_OK &&
        std::string(session->id) == "a" && journey__v1__session__get_packed_size(session) == pb.len &&
        spb_pb_to_json(converter, pb.data, pb.len, &back, nullptr) == SPB_OK &&
        json == reinterpret_cast<const char *>(back.data);
    cJSON_Delete(tree);
    spb_session_free(session);
    spb_bytes_release(&pb);
    spb_bytes_release(&back);
    spb_converter_free(converter);
    std::puts(same ? "the same" : "not the same");
}
""",
}
EXPECTED = {"c": r"\d+ bytes of protobuf\n\{\"id\":\"a\",.*\}\n\Z", "cc": r"the same\n\Z"}

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C CXX)
{find}
add_executable(from_c main.c)
add_executable(from_cc main.cc)
target_link_libraries(from_c PRIVATE {target})
target_link_libraries(from_cc PRIVATE {target})
"""


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8",
                          env=dict(os.environ, **(env or {})), check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "there" # it is moved after it was installed
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "prefix")
        (cls.folder / "prefix").rename(cls.prefix)
        cls.lib = next(cls.prefix.glob("lib/**/libsessionpb.so")).parent
        cls.path = {"LD_LIBRARY_PATH": str(cls.lib), "PKG_CONFIG_PATH": f"{cls.lib}/pkgconfig"}

    def sources(self, name):
        folder = self.folder / name
        folder.mkdir()
        for language, text in PROGRAMS.items():
            (folder / f"main.{language}").write_text(text, encoding="utf-8")
        return folder

    def check_programs(self, folder):
        for language, expected in EXPECTED.items():
            self.assertRegex(run(folder / f"from_{language}", env=self.path), expected)

    def check_project(self, name, find, target, *options):
        folder = self.sources(name)
        text = PROJECT.format(find=find, target=target)
        (folder / "CMakeLists.txt").write_text(text, encoding="utf-8")
        run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Debug",
            *options)
        run("cmake", "--build", folder / "build", "--parallel", JOBS)
        self.check_programs(folder / "build")
        return folder / "build"

    def flags(self, *arguments):
        return run("pkg-config", *arguments, "sessionpb", env=self.path).split()

    def test_pkg_config_finds_what_compilers_need(self):
        folder = self.sources("pkg-config")
        for language, compiler in {"c": "cc", "cc": "c++"}.items():
            run(compiler, folder / f"main.{language}", "-o", folder / f"from_{language}",
                *self.flags("--cflags", "--libs"))
        self.check_programs(folder)
        version = run(self.prefix / "bin" / "session2pb", "--version", env=self.path).splitlines()[0]
        self.assertEqual(f"session2pb (sessionpb) {self.flags('--modversion')[0]}", version)

    def test_the_readme_tells_how_to_compile_and_link(self):
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        folder = self.folder / "readme"
        folder.mkdir()
        (folder / "convert.c").write_text(PROGRAMS["c"], encoding="utf-8")
        (folder / "CMakeLists.txt").write_text(re.search(r"^```cmake\n((?s:.*?))^```$", readme, re.M)[1],
                                               encoding="utf-8")
        run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build",
            f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", folder / "build")
        compile_it = re.search(r"`(cc convert\.c [^`]*)`", readme)[1]
        run("sh", "-ec", f"cd '{folder}'; {compile_it}", env=self.path)
        for program in ("build/convert", "a.out"):
            self.assertRegex(run(folder / program, env=self.path), EXPECTED["c"])

    def test_the_manual_s_program_converts_and_tells_what_is_wrong(self):
        page = (SOURCE / "docs" / "sessionpb.3").read_text(encoding="utf-8")
        program = re.search(r"^\.Bd -literal.*\n((?s:.*?))^\.Ed$", page, re.M)[1].replace(r"\e", "\\")
        (self.folder / "program.c").write_text(program, encoding="utf-8")
        run("cc", self.folder / "program.c", "-o", self.folder / "program", *self.flags("--cflags", "--libs"))
        converted = run(self.folder / "program", (SOURCE / "examples/sessions/web.json").read_text("utf-8"),
                        env=self.path)
        self.assertRegex(converted, r"^\d+ bytes\n$")
        bad = subprocess.run([self.folder / "program", '{"id":5}'], capture_output=True, encoding="utf-8",
                             env={**os.environ, **self.path}, check=False)
        self.assertEqual(bad.stdout, "1:7: /id: expected a string\n")
        self.assertEqual(bad.returncode, 1)

    def test_pkg_config_tells_what_a_static_library_needs(self):
        folder = self.sources("static")
        static = [re.sub("^-lsessionpb$", "-l:libsessionpb.a", flag)
                  for flag in self.flags("--static", "--cflags", "--libs")]
        for language, compiler in {"c": "cc", "cc": "c++"}.items():
            program = folder / f"from_{language}"
            run(compiler, folder / f"main.{language}", "-o", program, *static)
            self.assertNotIn("libsessionpb", run("ldd", program))
        self.check_programs(folder)

    def test_find_package_gives_the_library_that_is_asked_for(self):
        for name, shared in {"shared": "ON", "static": "OFF"}.items():
            build = self.check_project(f"find_{name}", "find_package(sessionpb 1.0 REQUIRED)",
                                       "sessionpb::sessionpb", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                                       f"-DBUILD_SHARED_LIBS={shared}")
            self.assertEqual("libsessionpb" in run("ldd", build / "from_c"), shared == "ON")

    def test_find_package_takes_no_other_major_version(self):
        for version in ("0.9", "2.0"):
            with self.assertRaisesRegex(AssertionError, "version: 1"):
                self.check_project(f"major_{version}", f"find_package(sessionpb {version} REQUIRED)",
                                   "sessionpb::sessionpb", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_find_package_tells_where_the_schema_is(self):
        find = ("find_package(sessionpb REQUIRED)\n"
                "foreach(file IN ITEMS ${sessionpb_PROTO_DIR}/journey/v1/session.proto "
                "${sessionpb_DESCRIPTOR_SET})\n"
                "    if(NOT EXISTS ${file})\n        message(FATAL_ERROR ${file})\n    endif()\n"
                "endforeach()")
        self.check_project("schema", find, "sessionpb::static", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        for variable in ("proto_dir", "descriptor_set"):
            self.assertTrue(pathlib.Path(self.flags(f"--variable={variable}")[0]).exists())

    def test_the_source_tree_is_a_part_of_another_project(self):
        self.check_project("subdirectory", f'add_subdirectory("{SOURCE}" sessionpb)',
                           "sessionpb::sessionpb")

    def test_fetch_content_makes_it_available(self):
        find = ("include(FetchContent)\n"
                f'FetchContent_Declare(sessionpb SOURCE_DIR "{SOURCE}")\n'
                "FetchContent_MakeAvailable(sessionpb)")
        self.check_project("fetch", find, "sessionpb::sessionpb", "-DBUILD_SHARED_LIBS=ON")

    def test_exports_are_those_of_the_list(self):
        listed = (SOURCE / "tests" / "facts" / "exports.txt").read_text(encoding="utf-8").split()
        symbols = run("nm", "-D", "--defined-only", self.lib / "libsessionpb.so")
        self.assertEqual(sorted(line.split()[2] for line in symbols.splitlines()), listed)
        headers = "".join(path.read_text(encoding="utf-8")
                          for path in sorted((self.prefix / "include" / "sessionpb").glob("*.h")))
        declared = set(re.findall(r"^(?!static|typedef)\w.*?\b(spb_\w+)\(", headers, re.M))
        self.assertEqual(declared, {name for name in listed if name.startswith("spb_")})

    def test_the_library_needs_no_library_of_tls_or_brokers(self):
        needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", self.lib / "libsessionpb.so"))
        self.assertIn("libzstd.so.1", needed)
        self.assertNotRegex(" ".join(needed), "ssl|crypto|nats|rdkafka")

    def test_the_library_has_its_version_in_its_name(self):
        version = self.flags("--modversion")[0]
        soname = re.search(r"SONAME\s+(\S+)", run("objdump", "-p", self.lib / "libsessionpb.so"))[1]
        self.assertEqual(soname, f"libsessionpb.so.{version.split('.')[0]}")
        self.assertTrue((self.lib / f"libsessionpb.so.{version}").exists())

    def test_each_component_has_its_files_and_no_others(self):
        names = {}
        for component in ("runtime", "dev", "tools", "doc"):
            prefix = self.folder / component
            run("cmake", "--install", BUILD, "--prefix", prefix, "--component", component)
            names[component] = {str(path.relative_to(prefix)) for path in prefix.rglob("*")
                                if not path.is_dir()}
        whole = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")
                 if not path.is_dir()}
        self.assertEqual(set.union(*names.values()), whole)
        self.assertEqual(sum(map(len, names.values())), len(whole))
        self.assertTrue(all(re.search(r"/libsessionpb\.so\.\d", name) for name in names["runtime"]))
        for name in ("bin/session2pb", "share/man/man1/session2pb.1.gz", "share/man/man7/sessionpb.7.gz"):
            self.assertIn(name, names["tools"])
        self.assertIn("include/sessionpb/sessionpb.h", names["dev"])
        self.assertIn("share/man/man3/sessionpb.3.gz", names["dev"])
        self.assertIn("share/zsh/site-functions/_session2pb", names["tools"])
        pages = {f"share/doc/sessionpb/{path.relative_to(SOURCE)}" for path in SOURCE.glob("docs/*.md")}
        self.assertLessEqual(pages, names["doc"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
