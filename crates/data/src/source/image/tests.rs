use super::*;

#[test]
fn a_picture_of_its_own_size_stays_as_it_is() {
    let picture = Picture { height: 2, width: 3, channels: 1, pixels: vec![0, 50, 100, 150, 200, 255] };
    assert_eq!(picture.fit(2, 3, 1), picture.pixels);
    assert_eq!(picture.fit(2, 3, 3).len(), 18);
}
